"""Django's files by their names: settings, what starts it, what it loads of each application."""

from twelvefac.source.pattern import regex

_OF_DEVELOPERS = (
    r"(?:dev|devel|develop|development|devstack|docker_?dev|docker_?compose|compose|local|local_?dev|docs?|example|sample"
    r"|debug|e2e|e2e_?tests?|djangotest)"
)
DEVELOPMENT_SETTINGS = regex(
    rf"(?:^|/)(?:settings|configs?|conf|environments|envs)/(?:{_OF_DEVELOPERS}|integration|staging)\.py"
    rf"|(?:^|/)(?:dev|test|demo|example)_?project/(?:[\w/]{{0,60}}/)?settings\.py"
    r"|(?:^|/)(?:settings|configs?|conf)/(?:(?:\w{1,40}_)?(?:example|sample|debug)(?:_\w{1,40})?|local[-_]\w{1,20})\.py"
    rf"|(?:^|/){_OF_DEVELOPERS}_?(?:settings|config)\.py|(?:^|/)(?:settings|config)[_.-]{_OF_DEVELOPERS}\.py"
)
"""Settings that, by their name, no release uses: those of developers, examples, deploys for trials."""

TEST_PROJECT = regex(r"(?:^|/)tests?_?project/")
"""The project that a package of applications is tried in: it ships nowhere, also where it is the only one."""

DJANGO_MODULES = frozenset(
    "apps.py models.py views.py urls.py admin.py middleware.py signals.py tasks.py consumers.py api.py".split()
)
"""Modules that Django, or one of its usual companions, loads from each application."""


STARTS_DJANGO = regex(r"(?:\w{1,40}_)?[aw]sgi(?:_\w{1,40})?\.py|manage\.py")
