"""What there is: name → (help, "module:object"). A new job, source, channel, watcher or detector, or a new kind of
retry or remedy, is one line here.

An object of None is declared, so that its configuration is known and its job listed, but not in this version.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_RUN = "godmode.commands.run"
_LIB = "godmode.lib"

JOBS = {
    "periodic_scan": ("read every source and look for patterns", f"{_RUN}.periodic_scan:JOB"),
    "daily_digest": ("what matters, in five lines", f"{_RUN}.daily_digest:JOB"),
    "morning_call": ("ring with a spoken summary", f"{_RUN}.morning_call:JOB"),
    "run_watchers": ("look for trouble and open incidents", f"{_RUN}.run_watchers:JOB"),
    "process_retry_queue": ("retry what failed", f"{_RUN}.process_retry_queue:JOB"),
    "cleanup_old_data": ("archive what is old (never delete)", f"{_RUN}.cleanup_old_data:JOB"),
    "health_monitor": ("watch over godmode's own health", f"{_RUN}.health_monitor:JOB"),
    "sync_notion": ("read the canonical Notion pages", f"{_RUN}.sync:NOTION"),
    "sync_n8n": ("read the n8n executions", f"{_RUN}.sync:N8N"),
    "sync_hubspot": ("read the changed HubSpot contacts", f"{_RUN}.sync:HUBSPOT"),
}

SYNC = f"{_RUN}.sync:job_for"  # makes the job `sync_NAME` of a source that has no line of its own above

SOURCES: dict[str, tuple[str, str | None]] = {
    "notion": ("canonical Notion pages", f"{_LIB}.sources.notion:Notion"),
    "n8n": ("n8n executions", f"{_LIB}.sources.n8n:N8n"),
    "hubspot": ("HubSpot contacts", f"{_LIB}.sources.hubspot:HubSpot"),
    "chatlogs": ("chat exports in a folder", f"{_LIB}.sources.chatlogs:Chatlogs"),
}

CHANNELS: dict[str, tuple[str, str | None]] = {
    "console": ("print to the terminal", f"{_LIB}.channels.console:Console"),
    "telegram": ("Telegram messages", f"{_LIB}.channels.telegram:Telegram"),
    "callmebot": ("Telegram voice calls", f"{_LIB}.channels.callmebot:CallMeBot"),
    "salesmsg": ("SMS by Salesmsg", f"{_LIB}.channels.salesmsg:Salesmsg"),
    "twilio": ("calls and SMS by Twilio", f"{_LIB}.channels.twilio:Twilio"),
    "apprise": ("e-mail, ntfy, Slack and others", f"{_LIB}.channels.apprise:Apprise"),
}

WATCHERS: dict[str, tuple[str, str]] = {
    "repeated_failures": (
        "the same thing failing again and again",
        f"{_LIB}.watchers.repeated_failures:RepeatedFailures",
    ),
    "failure_rate": ("too much of what runs failing", f"{_LIB}.watchers.failure_rate:FailureRate"),
    "silent_workflows": ("workflows that have fallen silent", f"{_LIB}.watchers.silent_workflows:SilentWorkflows"),
    "stale_sources": ("sources that were not read for too long", f"{_LIB}.watchers.stale_sources:StaleSources"),
    "rate_limits": ("limits that are nearly used up", f"{_LIB}.watchers.rate_limits:RateLimits"),
    "cost_anomaly": ("far more calls than at this hour of this weekday", f"{_LIB}.watchers.cost_anomaly:CostAnomaly"),
    "slow_jobs": ("jobs that take long", f"{_LIB}.watchers.slow_jobs:SlowJobs"),
    "missed_slots": ("jobs that did not run when they should have", f"{_LIB}.watchers.missed_slots:MissedSlots"),
    "stuck_claims": ("work held by a process that is gone", f"{_LIB}.watchers.stuck_claims:StuckClaims"),
    "queue_depth": ("too much work waiting in the retry queue", f"{_LIB}.watchers.queue_depth:QueueDepth"),
    "dead_letters": ("more and more work given up on", f"{_LIB}.watchers.dead_letters:DeadLetters"),
    "performance": ("a database that answers slowly", f"{_LIB}.watchers.performance:Performance"),
}

DETECTORS = {
    "recurring_asks": (
        "the same thing asked again and again",
        f"{_LIB}.detectors.recurring_asks:RecurringAsks",
    ),
    "unanswered_questions": (
        "questions that nobody answered",
        f"{_LIB}.detectors.unanswered_questions:UnansweredQuestions",
    ),
    "growing_topics": ("topics that suddenly grow", f"{_LIB}.detectors.growing_topics:GrowingTopics"),
    "error_templates": ("the same error again and again", f"{_LIB}.detectors.error_templates:ErrorTemplates"),
    "second_try": ("what works on the second try", f"{_LIB}.detectors.second_try:SecondTry"),
    "failure_hours": ("failures that keep to an hour or a weekday", f"{_LIB}.detectors.failure_hours:FailureHours"),
    "chained_failures": ("a failure that follows another", f"{_LIB}.detectors.chained_failures:ChainedFailures"),
    "changed_rate": ("what runs more, less or longer than before", f"{_LIB}.detectors.changed_rate:ChangedRate"),
    "slowing_queue": ("a queue that drains ever more slowly", f"{_LIB}.detectors.slowing_queue:SlowingQueue"),
    "manual_work": ("what is done by hand again and again", f"{_LIB}.detectors.manual_work:ManualWork"),
    "page_conflicts": ("pages that conflict or have gone stale", f"{_LIB}.detectors.page_conflicts:PageConflicts"),
    "revivable_letters": (
        "work given up on that would now succeed",
        f"{_LIB}.detectors.revivable_letters:RevivableLetters",
    ),
    "idle_syncs": ("sources read more often than they change", f"{_LIB}.detectors.idle_syncs:IdleSyncs"),
}

RETRIES = {
    "job": ("a job, for the slot it failed in", f"{_LIB}.engine.retries.job:JOB"),
    "notification": ("a message of the outbox that did not go out", f"{_LIB}.engine.retries.notification:NOTIFICATION"),
    "custom": ("one of a few named actions", f"{_LIB}.engine.retries.custom:CUSTOM"),
    "remedy": ("what a proposal that was approved offers", f"{_LIB}.engine.retries.remedy:REMEDY"),
}

REMEDIES = {
    "retry_dead_letter": ("work given up on starts anew", f"{_LIB}.engine.remedies.dead_letter:DeadLetterAnew"),
    "retry_workflow": ("n8n retries an execution", f"{_LIB}.engine.remedies.execution:ExecutionAgain"),
    "deactivate_workflow": ("an n8n workflow is switched off", f"{_LIB}.engine.remedies.workflow:WorkflowOff"),
    "change_interval": ("a job runs at another interval", f"{_LIB}.engine.remedies.interval:IntervalChanged"),
    "mute_incidents": ("a noisy type of incidents is muted", f"{_LIB}.engine.remedies.muting:IncidentsMuted"),
    "supersede_memory": ("an item of memory is outdated", f"{_LIB}.engine.remedies.superseding:MemorySuperseded"),
    "disable_job": ("a job is switched off", f"{_LIB}.engine.remedies.disabling:JobDisabled"),
}


def load(target: str) -> Any:
    """The object of a "module:object"."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def retry(type_: str) -> Any | None:
    """What does the retry queue's rows of a type; None for one that is not known."""
    return load(RETRIES[type_][1]) if type_ in RETRIES else None
