"""A secret is written to the log.

## Why

Logs are copied to collectors, tickets and chats, kept for months and read by many who must not know production's
credentials. A secret that was logged once has to be replaced.

## What it does not flag

- Names (`os.environ.keys()`), lengths, hashes and whatever a function makes of a secret (`mask(token)`).
- Names that only sound like it: `next_token`, `has_password`, `password_field`.
- Tokens and keys that are refused or gone by the text around them ("invalid token %s").
- Command-line tools that show a secret to the person who asks for it.
- Passwords that a scanner tries on others (`ssh_bruter.py`).

## How to fix

Log what identifies the event and not the credential: a user's id, a key's id, the host of a URL.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.credentials import WORDS, words_of
from twelvefac.project.python_logs import is_environment, may_log_secret
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.project.tools import is_tool
from twelvefac.source.pattern import regex

_ABOUT = frozenset(
    "log masked redacted hidden obfuscated hashed short partial prefix has is use uses with without no needs missing "
    "invalid expired wrong bad show hide upload payment invoice order checkout".split()
)
_HOLDERS = frozenset(
    "self settings config conf cfg env request session auth user account credentials credential oauth client response "
    "login jwt access refresh api bot args options".split()
)
"""Whose attribute ``token`` is a credential."""
_REFUSED = regex(
    r"invalid|\bbad\b|expire|delet|revok|unknown|wrong|incorrect|not found|missing|rejected|refused|unverified|verify|"
    r"(?:not|fail(?:ed)? to) (?:be )?validat|unsuccessful|failed login",
    re.IGNORECASE,
)
"""Texts about a token that is none any more; a mistyped password is still nearly the right one."""
_PUBLIC = regex(r"\bTXT\b|\bDNS\b|\bACME\b|challenge|(?:consistency|continuation|page|sync)[ _]token", re.IGNORECASE)
"""Texts about what proves who has a domain, which everybody can look up, or about a place in a sequence."""

_PLACE = regex(r"\b(?:load|read)(?:ing|s|ed)? .{0,40}\bfrom\b|\bkey (?:at|in|file)\b", re.IGNORECASE)
"""Texts about where a key lies, which the value says."""
_VAGUE = frozenset(("token", "session_key"))
_CREDENTIAL = regex(r"token|secret|auth|bearer|credential|log(?:ged)? ?in", re.IGNORECASE)
_FOR_TESTS = regex(r"(?:^|/)test_?(?:fixture|support|helper)", re.IGNORECASE)
_GUESSES = regex(r"brut(?:e|ing)|crack|wordlist|spray", re.IGNORECASE)

rule = Rule(
    __name__,
    factor=Factor.LOGS,
    summary="a secret is written to the log",
    severity=MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    anchors=anchors(
        *(f"{log} {word}" for log in ("print", "logger", "log", "logging") for word in (*WORDS, "environ")),
        confirm=may_log_secret,
    ),
    examples=(
        Example(
            "in a text, as an argument, and everything at once",
            source="""
                -- app.py --
                import logging
                import os

                logger = logging.getLogger(__name__)

                def connect(user, password):
                    logger.info(f"connecting as {user} with {password}")  # <- secret-in-log
                    logger.debug("key %s", os.environ["API_KEY"])  # <- secret-in-log
                    logger.debug(os.environ)  # <- secret-in-log
                    logging.info("token: %s" % user.access_token)  # <- secret-in-log
                    print(dict(os.environ))  # <- secret-in-log
            """,
        ),
        Example(
            "names, lengths, masks and other words",
            source="""
                -- app.py --
                import logging
                import os

                logger = logging.getLogger(__name__)

                def connect(user, password, next_token, token, session_key):
                    logger.debug(sorted(os.environ.keys()))
                    logger.info("password of %d characters", len(password))
                    logger.info("token %s", mask(user.token))
                    logger.info("page %s", next_token)
                    logger.info("refused %s", masked_api_key)
                    logger.info("terminating %s", session_key)
                    logger.error("could not store key %s", session_key)
                    logger.debug("unfurled", token=token)
                    logger.warning("invalid token %s", user.token)
                    logger.debug("TXT record created: %s", token)
                    logger.info("workspace made, consistency_token=%s", token)
                    logger.info("looked up at %s", user.consistency_token)
                    logger.debug(f"Loading encryption key from {settings.DB_ENCRYPTION_KEY}")
                    logger.info(f"testing private key at {PRIVATE_KEY}")
                    logger.info(f"Unsuccessful login attempt by {credentials}.")
                    logger.warning("OAuth access token could not be validated: %s", token)
                    logger.error("no answer for payment_token:%s", payment_token)
                    logger.info("%s %s", user.has_password, "password")
                    logger.info("home is %s", os.environ["HOME"])
            """,
        ),
        Example(
            "a command that shows it to who asks, a scanner's guesses",
            source="""
                -- scan/ftp_bruteforce.py --
                import logging

                def attempt(user, password):
                    logging.info("trying %s:%s", user, password)
                -- shop/management/commands/make_token.py --
                def handle(token):
                    print(token)
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, python in facts.python():
        if is_tool(path) or _GUESSES.search(path) or _FOR_TESTS.search(path):
            continue
        seen: set[str] = set()
        for one in python.logged:
            if is_environment(one.value):
                message = "the whole environment, with every credential in it, is written to the log"
                yield rule.at(path, one.at, message, subject="env:*", symbol=one.scope, severity=HIGH)
                continue
            name = str(one.value.data[0] if one.value.kind == "env" else one.value.data).rpartition(".")[2]
            words = words_of(name)
            owner = "" if one.value.kind == "env" else str(one.value.data).rpartition(".")[0].rpartition(".")[2]
            if _PLACE.search(one.text):
                continue
            if name in _VAGUE and not owner and _CREDENTIAL.search(one.text) is None:
                continue  # a word of a text, a number of a player's session: nothing calls it a credential
            if name == "token" and owner and _HOLDERS.isdisjoint(words_of(owner)):
                continue  # checkout.token, payment.token: an identifier, as often as not
            refused = words[-1] in ("token", "key", "credentials") and (
                _REFUSED.search(one.text) or _PUBLIC.search(one.text)
            )
            if _ABOUT.isdisjoint(words) and not refused and name not in seen:
                seen.add(name)
                message = f"{name} is written to the log: whoever reads it there can use it"
                yield rule.at(path, one.at, message, subject=f"name:{name}", symbol=one.scope)
