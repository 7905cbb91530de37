"""The report: days that have passed, as one HTML file that needs nothing else.

Jinja2 makes the page, since it escapes all that comes from elsewhere unless told otherwise; only this package imports
it. Charts are SVG without text in them: the words stand beside them as HTML, so that they keep their size on a phone.
"""
