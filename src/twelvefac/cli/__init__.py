"""The command line: parse, build a Request, call ``app``, print the text, return the code. No logic here.

A command is a module of this package with a typer app named ``command``; ``COMMANDS`` lists what ``--help``
shows, so that a module is imported only when its command runs.
"""

from twelvefac.cli._boundary import guarded

COMMANDS = {
    "new": "Make a new repository: `new service [DEST]`.",
    "add": "Add components to a service: postgres, kubernetes…",
    "remove": "Take components out of a service again.",
    "update": "Bring a service to the newer template; what you wrote is kept.",
    "adopt": "Take over a service that was not made by twelvefac.",
    "undo": "Take back the last update, add or remove.",
    "audit": "Judge a service against the twelve factors.",
    "explain": "Say why a rule exists and how to fix what it finds.",
    "rules": "List the audit's rules.",
}


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code; never raises."""
    if "--check" in argv:
        from twelvefac.cli._check import check, plain_check

        words = plain_check(argv)
        if words is not None:
            return guarded(lambda: check(*words), argv)
    from twelvefac.cli._group import app

    return guarded(lambda: app(argv, prog_name="twelvefac", standalone_mode=False), argv)
