"""What counts as a credential, by name, by value and by both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvefac.project import credentials


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DB_PASSWORD", ("db", "password")),
        ("dbPassword", ("db", "password")),
        ("db-password", ("db", "password")),
        ("DBPassword", ("db", "password")),
        ("APIKey2", ("api", "key", "2")),
        ("", ()),
        ("___", ()),
    ],
)
def test_words_of_a_name(name: str, words: tuple[str, ...]) -> None:
    assert credentials.words_of(name) == words


SECRET = """
    password PASSWORD db_password DB_PASSWORD dbPassword db-password POSTGRES_PASSWORD passwd DB_PASSWD pwd db_pwd
    secret client_secret CLIENT_SECRET token API_TOKEN authToken access_token refreshToken apikey api_key API_KEY apiKey
    X_API_KEY secret_key SECRET_KEY aws_secret_access_key private_key encryption_key fernet_key jwt_key signing_key
    MONGO_PW broker_pword
    credential credentials passphrase smtp_pass DB_PASS self.password app.config.API_KEY password1 password_2 token_1_2
""".split()
PLAIN = """
    password_field PASSWORD_HASHERS token_url TOKEN_URL secret_name SECRET_ARN api_key_header key KEY public_key
    cache_key primary_key sort_key partition_key foreign_key next_token page_token max_tokens max_token csrf_token
    pad_token eos_token num_tokens token_type password_file PASSWORD_FILE tokenizer secretary compass bypass pass
    author keyboard monkey passenger password_reset_timeout TOKEN_EXPIRE_MINUTES count_token public_token no_password
    default_password 1 12 x
""".split()


@pytest.mark.parametrize("name", SECRET)
def test_names_that_hold_a_secret(name: str) -> None:
    assert credentials.holds_secret(name)


@pytest.mark.parametrize("name", PLAIN)
def test_names_that_hold_none(name: str) -> None:
    assert not credentials.holds_secret(name)


def test_a_name_of_a_hundred_thousand_numbers() -> None:
    assert credentials.holds_secret("password" + "_1" * 100_000)
    assert not credentials.holds_secret("port" + "_1" * 100_000)


@pytest.mark.parametrize("name", ["SECRET_KEY", "secret_key", "app.secret_key", "JWT_SECRET", "jwtSecretKey"])
def test_keys_that_sign_sessions(name: str) -> None:
    assert credentials.signs_sessions(name)


@pytest.mark.parametrize("name", ["API_KEY", "secret", "my_own_secret_key_name", "key"])
def test_keys_that_sign_none(name: str) -> None:
    assert not credentials.signs_sessions(name)


# Built from parts, so that no scanner takes this file for a leak.
MIXED = "Zk3Qv9Rt7Lw2Xs8Bn4Mc6Hd1Jf5Gp0Ay"


@pytest.mark.parametrize(
    ("value", "whose"),
    [
        ("AKIA" + "Z3QV7RTLW2XSBN4M", "AWS access key"),
        ("key=ASIA" + "Z3QV7RTLW2XSBN4M;", "AWS access key"),
        ("ghp_" + MIXED + "abcd", "GitHub token"),
        ("glpat-" + MIXED[:20], "GitLab token"),
        ("xoxb-" + "20481" + "69-" + MIXED[:12], "Slack token"),
        ("sk_live_" + MIXED[:24], "Stripe key"),
        ("AIza" + MIXED + "abc", "Google API key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n" + "MIIEow1z" * 8, None),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEow1z" * 8, "private key"),
        ("-----BEGIN " + "PRIVATE KEY-----\\n" + "MIIEvQIB" * 8, "private key"),
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXk" * 4, "private key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\nabc123MeowMeow456abc123MeowMeow456\netc, etc", None),
        ("-----BEGIN " + "PRIVATE KEY-----", None),
        ("-----BEGIN " + "PRIVATE KEY-----\ntest\n-----END PRIVATE KEY-----", None),
        ("npm_" + MIXED + "abcd", "npm token"),
        ("123456789:AA" + MIXED + "a", "Telegram bot token"),
        ("AKIAIOSFODNN7EXAMPLE", None),  # from AWS's own documentation
        ("sk_test_" + "x" * 24, None),
        ("ghp_short", None),
        ("sk-learn", None),
        ("-----BEGIN PUBLIC KEY-----", None),
        ("-----BEGIN CERTIFICATE-----", None),
        ("", None),
        ("plain", None),
    ],
)
def test_values_with_a_providers_prefix(value: str, whose: str | None) -> None:
    assert credentials.provider(value) == whose


@pytest.mark.parametrize(
    ("url", "password", "local"),
    [
        ("postgresql://app:Tr0ub4dor@db.example.com/app", "Tr0ub4dor", False),
        ("postgresql+asyncpg://app:Tr0ub4dor@db.example.com:5432/app", "Tr0ub4dor", False),
        ("redis://:pa55@cache:6379/0", "pa55", False),
        ("amqp://guest:guest@rabbitmq:5672//", "guest", True),
        ("postgres://postgres:postgres@localhost/x", "postgres", True),
        ("postgres://postgres:postgres@127.0.0.1:5432/x", "postgres", True),
        ("postgres://u:p@DB/x", "p", True),
        ("https://user:p%40ss@files.example.com", "p%40ss", False),
        ("see mongodb+srv://a:b@c.d/e for more", "b", False),
        ("postgresql://{user}:{password}@{host}/app", None, False),
        ("postgresql://user:${PASSWORD}@host/app", None, None),
        ("postgresql://user:$PASSWORD@host/app", None, None),
        ("postgresql://user:%s@host/app", None, None),
        ("postgresql://user:%(password)s@host/app", None, None),
        ("postgresql://user:<password>@host/app", None, None),
        ("postgresql://user:***@host/app", None, None),
        ("postgresql://user:xxxx@host/app", None, None),
        ("a proxy, http://user:pass@...:3128", None, None),
        ("postgresql://user:[PASSWORD]@host/app", None, None),
        ("postgresql://user@host/app", None, False),
        ("http://host:8080/a@b", None, False),
        ("https://example.com/x:y@z", None, False),
        ("a:b@c", None, False),
        ("", None, False),
    ],
)
def test_passwords_in_urls(url: str, password: str | None, local: bool | None) -> None:
    assert credentials.url_password(url) == password
    if local is not None:
        assert credentials.url_is_local(url) is local


def test_what_is_only_there_to_get_started() -> None:
    users = credentials.users([("DB_USER", "Shop"), ("DB_NAME", "shop_dev"), ("DB_HOST", "db"), ("X", None)])

    assert users == {"shop", "shop_dev"}
    assert credentials.is_made_up("DB_PASSWORD", "shop", users)
    assert credentials.is_made_up("APP_SECRET_KEY", "secret-key", users)
    assert not credentials.is_made_up("DB_PASSWORD", "Tr0ub4dor3", users)
    assert not credentials.is_made_up("DB_PASSWORD", "...", users)
    assert credentials.url_is_made_up("postgresql://main:main@database.internal/main")
    assert credentials.url_is_made_up("postgresql://app:Tr0ub4dor3@localhost/app")
    assert not credentials.url_is_made_up("postgresql://app:Tr0ub4dor3@db.internal/app")
    assert not credentials.url_is_made_up("postgresql://db.internal/app")


@pytest.mark.parametrize("value", ["services.example.com/sync/v1/secret/", "projects/1/secrets/db"])
def test_paths_are_references(value: str) -> None:
    assert credentials.is_reference(value)


@pytest.mark.parametrize("value", ["update me", "deadbeef", "DEADBEEF-dead-beef-dead-beefdeadbeef", "cafebabe"])
def test_words_in_hexadecimal_are_placeholders(value: str) -> None:
    assert credentials.is_placeholder(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "Tr0ub4dor&3"),
        ("password", "hunter2hunter2"),
        ("api_key", "4f1c8a90bb7e42d1a6"),
        ("token", "abc123def456"),
        ("secret", "k9$Lq2!zXw"),
        ("password", "Correct-Horse-9"),
        ("password", "P@sswordLong"),
        ("key", "dGhpcyBpcyBhIHRlc3Q="),
        ("EMAIL_HOST_PASSWORD", "wroxjwgyoqxaiyke"),
        ("GMAIL_PASSWORD", "qkzv tbwe mxrd olpa"),
    ],
)
def test_values_that_look_secret(name: str, value: str) -> None:
    assert credentials.looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "short1"),
        ("password", "password"),
        ("password", "password123"),
        ("db_password", "DB_PASSWORD"),
        ("token", "<your token>"),
        ("token", "${API_TOKEN}"),
        ("token", "$API_TOKEN"),
        ("token", "{{ token }}"),
        ("token", "%(token)s"),
        ("token", "your-token-here-123"),
        ("token", "change-me-please-1"),
        ("token", "xxxxxxxxxxxx"),
        ("token", "************"),
        ("token", "test_token1"),
        ("password", "Choose a password of 8 characters"),
        ("secret", "projects/1/secrets/db"),
        ("secret", "/run/secrets/db_password_1"),
        ("secret", "../secrets/file.txt"),
        ("secret", "C:\\secrets\\file1"),
        ("token_url", "https://auth.example.com/oauth2/token"),
        ("token", "user.auth.token"),
        ("token", "user:auth:token"),
        ("reset_password", "shop.forms.CustomResetPasswordForm"),
        ("reset_password", "1/m/ip,1/m/key"),
        ("token", "user-access-token"),
        ("token", "USER_ACCESS_TOKEN"),
        ("password", "abcdefghijkl"),
        ("password", "ABCDEFGHIJKL"),
        ("password", "111111111111"),
        ("password", "        "),
        ("", ""),
        ("EMAIL_HOST_PASSWORD", "youremailaddress"),
        ("MAIL_PASSWORD", "mailpasswordhere"),
        ("TOPIC_TOKEN", "wroxjwgyoqxaiyke"),
    ],
)
def test_values_that_do_not(name: str, value: str) -> None:
    assert not credentials.looks_secret(name, value)


@given(st.text(min_size=9, max_size=80))
def test_a_description_never_holds_the_value(value: str) -> None:
    shown = credentials.described(value)

    assert shown == f"{len(value)} characters"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_and_no_value_is_too_odd(name: str, value: str) -> None:
    credentials.holds_secret(name)
    credentials.signs_sessions(name)
    credentials.looks_secret(name, value)
    credentials.provider(value)
    credentials.url_password(value)
    credentials.url_is_local(value)
    credentials.is_placeholder(value)
