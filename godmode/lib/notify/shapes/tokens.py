"""Credentials that say themselves what they are: the services' documented prefixes, lengths and alphabets.

A row is (kind, what must be in the text for the pattern to be tried at all, pattern). In a pattern `<a>` is a letter
or digit, `<w>` also `_` and `-`, `<h>` a lower-case hex digit, `<|>` the end of a word. Most upper bounds are
generous: services lengthen their tokens now and then (GitHub documents up to 255 characters).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from godmode.lib.notify.shapes import START, Shape, Span

UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

TOKENS: tuple[tuple[str, str, str], ...] = (
    # code hosting and packages
    ("GitHub token", "gh", r"gh[pousr]_<a>{30,255}"),
    ("GitHub token", "github_pat_", r"github_pat_<w>{22,255}"),
    ("GitLab token", "gl", r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct|wt)-<w>{20,128}(?:\.<w>{2,64}){0,2}"),
    ("Bitbucket token", "ATBB", r"ATBB<w>{24,64}"),
    ("Atlassian token", "AT", r"AT(?:ATT|CTT)3<w>{40,400}(?:=<a>{4,16})?"),
    ("npm token", "npm_", r"npm_<a>{36,64}"),
    ("PyPI token", "pypi-Ag", r"pypi-Ag<w>{40,1000}"),
    ("RubyGems key", "rubygems_", r"rubygems_<h>{48}"),
    ("NuGet key", "oy2", r"oy2[a-z0-9]{43}<|>"),
    ("crates.io token", "cio", r"cio<a>{32}<|>"),
    ("Docker Hub token", "dckr_", r"dckr_(?:pat|oat)_<w>{20,64}"),
    ("Artifactory key", "AKC", r"AKCp<a>{40,80}"),
    ("SonarQube token", "sq", r"sq[pua]_<h>{40}"),
    # clouds and hosting
    ("AWS access key", "A", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}<|>"),
    ("AWS MWS key", "amzn.mws.", rf"amzn\.mws\.{UUID}"),
    ("AWS Bedrock key", "ABSK", r"ABSK[A-Za-z0-9+/]{40,300}={0,2}"),
    ("Google API key", "AIza", r"AIza<w>{35}"),
    ("Google OAuth token", "ya29.", r"ya29\.[A-Za-z0-9_.-]{20,2000}"),
    ("Google OAuth token", "1//0", r"1//0<w>{40,200}"),
    ("Google client secret", "GOCSPX-", r"GOCSPX-<w>{20,40}"),
    ("Azure client secret", "Q~", r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    ("Azure DevOps token", "AZDO", r"<a>{76}AZDO<a>{4}"),
    ("Alibaba key", "LTAI", r"LTAI<a>{12,24}<|>"),
    ("DigitalOcean token", "_v1_", r"do[opr]_v1_<h>{64}"),
    ("Heroku key", "HRKU-", r"HRKU-<w>{36,80}"),
    ("Netlify token", "nf", r"nf[pcou]_<a>{36,64}"),
    ("Vercel token", "vc", r"vc[pkiar]_<a>{24,64}"),
    ("Render key", "rnd_", r"rnd_<a>{28,40}"),
    ("Fly.io token", "fm", r"fm[12][ar]?_[A-Za-z0-9+/=,_-]{60,800}"),
    ("Supabase key", "sb", r"sbp_<h>{40}|sb_secret_<w>{20,64}"),
    ("PlanetScale token", "pscale_", r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{32,64}"),
    ("Neon key", "napi_", r"napi_<a>{60,70}"),
    ("Cloudflare key", "v1.0-", r"v1\.0-<h>{24}-<h>{146}"),
    ("Databricks token", "dapi", r"dapi<h>{32}(?:-\d)?"),
    ("Terraform token", ".atlasv1.", r"<a>{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}"),
    ("Vault token", "hv", r"hv[sbr]\.<w>{24,300}"),
    ("Doppler token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?<a>{40,44}"),
    ("Pulumi token", "pul-", r"pul-<h>{40}"),
    ("Tailscale key", "tskey-", r"tskey-[a-z]{2,10}-<w>{12,80}"),
    ("1Password token", "ops_", r"ops_eyJ[A-Za-z0-9+/_-]{60,2000}={0,3}"),
    ("age key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    # money
    ("Stripe key", "k_", r"[sr]k_(?:live|test|prod)_<a>{10,250}"),
    ("Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{24,80}={0,2}"),
    ("Square token", "sq0", r"sq0[a-z]{3}-<w>{22,60}"),
    ("Square token", "EAAA", r"EAAA<w>{56,64}<|>"),
    ("PayPal token", "access_token$", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$<h>{32}"),
    ("Shopify token", "shp", r"shp(?:at|ca|pa|ss|ua|tka)_[0-9a-fA-F]{32,64}"),
    ("Razorpay key", "rzp_", r"rzp_(?:live|test)_<a>{14,24}"),
    ("Plaid token", "access-", rf"access-(?:sandbox|development|production)-{UUID}"),
    ("EasyPost key", "EZ", r"EZ[AT]K<a>{54}"),
    ("Shippo token", "shippo_", r"shippo_(?:live|test)_<h>{40}"),
    # talking to people
    ("Slack token", "xox", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,250}"),
    ("Slack token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{20,200}"),
    ("Slack webhook", "hooks.slack.com/", r"(?:https?://)?hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{20,120}"),
    ("Discord token", ".", r"[MNO]<w>{23,27}\.<w>{6}\.<w>{27,40}"),
    ("Discord webhook", "/api/webhooks/", r"(?:https?://)?discord(?:app)?\.com/api/webhooks/\d{17,20}/<w>{60,80}"),
    ("Teams webhook", "webhook.office.com/", r"(?:https?://)?webhook\.office\.com/webhookb2/[A-Za-z0-9@/_-]{40,250}"),
    ("Zapier webhook", "hooks.zapier.com/", r"(?:https?://)?hooks\.zapier\.com/hooks/catch/\d{4,12}/<a>{4,12}"),
    ("Telegram bot token", ":", r"(?:bot)?\d{8,10}:<w>{35}<|>"),
    ("Twilio SID", "AC", r"AC<h>{32}<|>"),
    ("Twilio key", "SK", r"SK<h>{32}<|>"),
    ("SendGrid key", "SG.", r"SG\.<w>{16,32}\.<w>{16,64}"),
    ("Mailgun key", "key-", r"key-[0-9a-z]{32}<|>"),
    ("Mailgun key", "-", r"<h>{32}-<h>{8}-<h>{8}<|>"),
    ("Mailchimp key", "-us", r"<h>{32}-us\d{1,2}<|>"),
    ("Brevo key", "sib-", r"x(?:key|smtp)sib-<h>{64}-<a>{16}"),
    ("Resend key", "re_", r"re_<a>{8}_<a>{20,40}"),
    ("Facebook token", "EAA", r"EAA[A-Z]<a>{60,300}"),
    ("Twitter token", "AAAAAAAAAAAAAAAAAAAA", r"A{20,30}[A-Za-z0-9%]{40,150}"),
    # tools of the office
    ("Notion token", "ntn_", r"ntn_<a>{40,80}"),
    ("Notion token", "secret_", r"secret_<a>{43}<|>"),
    ("HubSpot token", "pat-", rf"pat-(?:na|eu|ap|au|ca)\d{{0,2}}-{UUID}"),
    ("n8n key", "n8n_api_", r"n8n_api_<a>{40,120}"),
    ("Airtable token", "pat", r"pat<a>{14}\.<h>{64}"),
    ("Linear key", "lin_", r"lin_(?:api|oauth)_<a>{32,64}"),
    ("Figma token", "figd_", r"figd_<w>{38,64}"),
    ("Typeform token", "tfp_", r"tfp_[A-Za-z0-9_.=-]{40,64}"),
    ("Contentful token", "CFPAT-", r"CFPAT-<w>{40,50}"),
    ("Dropbox token", "sl.", r"sl\.(?:u\.)?<w>{60,1500}"),
    ("Asana token", "/", r"[012]/\d{15,17}(?:/\d{15,17})?:<h>{32}"),
    ("Postman key", "PMAK-", r"PMAK-<h>{24}-<h>{34}"),
    # watching machines
    ("Sentry token", "sntry", r"sntry[su]_[A-Za-z0-9+/=_-]{40,400}"),
    ("New Relic key", "NR", r"NR(?:AK|II|JS|RA)-<w>{19,42}"),
    ("New Relic key", "NRAL", r"<h>{36}NRAL<|>"),
    ("Grafana token", "gl", r"glc_[A-Za-z0-9+/]{32,400}={0,3}|glsa_<a>{32}_[0-9a-fA-F]{8}"),
    ("Dynatrace token", "dt0", r"dt0[a-z]\d{2}\.[A-Z2-7]{24}\.[A-Z2-7]{64}"),
    # models
    ("Anthropic key", "sk-ant-", r"sk-ant-<w>{20,200}"),
    ("OpenRouter key", "sk-or-", r"sk-or-(?:v\d-)?<a>{40,100}"),
    ("OpenAI key", "sk-", r"sk-(?:proj|svcacct|admin|None)-<w>{20,250}|sk-<a>{32,80}"),
    ("Hugging Face token", "hf_", r"hf_<a>{30,64}"),
    ("Replicate token", "r8_", r"r8_<a>{36,48}"),
    ("Groq key", "gsk_", r"gsk_<a>{48,64}"),
    ("Perplexity key", "pplx-", r"pplx-<a>{40,64}"),
    ("xAI key", "xai-", r"xai-<a>{70,90}"),
    ("Pinecone key", "pcsk_", r"pcsk_<w>{50,90}"),
    # in general
    ("JWT", "eyJ", r"eyJ<w>{8,2000}\.<w>{8,16000}(?:\.<w>{0,4000}){0,3}"),
)  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Every token whose kind has a mark of its own."""
    for kind, hint, pattern in TOKENS:
        if hint in text:
            for match in shape(pattern).finditer(text):
                yield *match.span(), kind


@cache
def shape(pattern: str) -> Shape:
    """A row's pattern, written out."""
    for sign, meaning in (("<a>", "[A-Za-z0-9]"), ("<w>", "[A-Za-z0-9_-]"), ("<h>", "[0-9a-f]")):
        pattern = pattern.replace(sign, meaning)
    return Shape(f"{START}(?:{pattern.replace('<|>', '(?![A-Za-z0-9])')})")
