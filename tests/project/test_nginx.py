"""nginx's configuration: directives, their blocks and exact places, as nginx's own parser splits them."""

import pytest

from twelvefac.project.discovery import kind_of
from twelvefac.project.nginx import MAX_DEPTH, Address, Directive, addresses, read_nginx, upstreams
from twelvefac.project.unreadable import UnreadableError


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("nginx.conf", "nginx"),
        ("deploy/my-nginx.prod.conf", "nginx"),
        ("nginx.conf.template", "nginx"),
        ("nginx/conf.d/default.conf", "nginx"),
        ("docker/nginx/app.conf.template", "nginx"),
        ("etc/nginx/sites-enabled/shop", "nginx"),
        ("conf.d/default.conf", None),
        ("nginx/README.md", None),
        ("nginx/supervisord.conf", "ini"),
        ("nginx.py", "python"),
        ("nginx/Dockerfile", "dockerfile"),
        ("nginx.conf.j2", None),
    ],
)
def test_which_files_are_read(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


def test_directives_with_their_blocks_and_places() -> None:
    text = (
        "# daemon on;\n"
        "daemon off;\n"
        "http {\n"
        "    log_format main '$remote_addr \"$request\"; {x}'\n"
        '                    "a\\"b";\n'
        "\n"
        "    upstream app { ip_hash; server web:8000 weight=2; }\n"
        "    server {\n"
        "        listen 80 default_server; # not; this {\n"
        "        location ~ ^/a{2}/ { return 200; }\n"
        "        location ~ \\.php$ { set $a ${b}c; }\n"
        "    }\n"
        "}\n"
    )
    with pytest.raises(UnreadableError):  # nginx needs quotes round an expression with braces
        read_nginx(text)

    found = read_nginx(text.replace("^/a{2}/", '"^/a{2}/"'))

    assert [(one.name, one.args, one.blocks, one.at) for one in found] == [
        ("daemon", ("off",), (), (2, 1, 2, 11)),
        ("http", (), (), (3, 1, 3, 5)),
        ("log_format", ("main", '$remote_addr "$request"; {x}', 'a\\"b'), ("http",), (4, 5, 5, 27)),
        ("upstream", ("app",), ("http",), (7, 5, 7, 17)),
        ("ip_hash", (), ("http", "upstream app"), (7, 20, 7, 27)),
        ("server", ("web:8000", "weight=2"), ("http", "upstream app"), (7, 29, 7, 53)),
        ("server", (), ("http",), (8, 5, 8, 11)),
        ("listen", ("80", "default_server"), ("http", "server"), (9, 9, 9, 33)),
        ("location", ("~", "^/a{2}/"), ("http", "server"), (10, 9, 10, 29)),
        ("return", ("200",), ("http", "server", "location ~ ^/a{2}/"), (10, 32, 10, 42)),
        ("location", ("~", "\\.php$"), ("http", "server"), (11, 9, 11, 26)),
        ("set", ("$a", "${b}c"), ("http", "server", "location ~ \\.php$"), (11, 29, 11, 41)),
    ]
    assert [one.block for one in found if one.name == "server"] == ["upstream", "http"]


def test_lua_is_passed_over() -> None:
    found = read_nginx('location / { content_by_lua_block { local t = {a = "x;"}; ngx.say(t) } expires 1h; }\n')

    assert [one.name for one in found] == ["location", "content_by_lua_block", "expires"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a;\n}\n", 2, "a closing brace where none can be"),
        ("http {\n  a b\n}\n", 3, "a closing brace where none can be"),
        ("http {\n  a b;\n", 3, "it ends in the middle of a block or directive"),
        ("a b", 1, "it ends in the middle of a block or directive"),
        ("a;\n'b\n", 2, "a quote that is not closed"),
        ("\n{", 2, "a block without a name"),
        ("a {" * (MAX_DEPTH + 1), 1, f"nested deeper than {MAX_DEPTH}"),
    ],
)
def test_what_is_no_configuration(text: str, line: int, message: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_nginx(text)

    assert (caught.value.line, str(caught.value)) == (line, message)


def test_where_requests_are_sent() -> None:
    text = """\
upstream app { server web:8000; server unix:/run/app.sock; server 10.0.0.1; }
server {
  location / { proxy_pass http://app; }
  location /a { proxy_pass http://api:5000/v1/; }
  location /b { uwsgi_pass worker:3031; }
  location /c { proxy_pass http://$name:80; }
  location /d { proxy_pass https://plain; }
}
"""
    directives = read_nginx(text)
    assert list(addresses(directives, upstreams(directives))) == [
        Address("web", "8000", (1, 16, 1, 31)),
        Address("10.0.0.1", "80", (1, 60, 1, 75)),
        Address("api", "5000", (4, 17, 4, 47)),
        Address("worker", "3031", (5, 17, 5, 39)),
        Address("plain", "443", (7, 17, 7, 41)),
    ]


def test_a_directive_is_a_plain_value() -> None:
    assert read_nginx("a b;") == (Directive("a", ("b",), (), (1, 1, 1, 4)),)
