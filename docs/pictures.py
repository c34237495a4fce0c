"""`make pictures`: records the terminal pictures of the README.

The real commands run in a pseudo-terminal, in a temporary folder; what they print there, colours included,
becomes docs/pictures/<name>.svg.
"""

import argparse
import errno
import fcntl
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURES = Path(__file__).resolve().parent / "pictures"
COLUMNS = 120
HOME_OF_TOOLS = Path(sys.executable).parent

# A service with the mistakes that one meets every week: what `audit` is shown on.
SHOP = {
    "Dockerfile": """\
FROM python:latest
WORKDIR /srv
COPY . .
RUN pip install --no-cache-dir flask requests
CMD python shop.py
""",
    "shop.py": """\
import logging
import os

import requests
from flask import Flask, request

SECRET_KEY = os.environ.get("SECRET_KEY", "8f42a73054b1749f8f58848be5e6502c")
app = Flask(__name__)
carts = {}
logging.basicConfig(filename="/var/log/shop.log")


@app.post("/carts/<name>")
def put(name):
    carts[name] = request.json
    return requests.post(os.environ["STOCK_URL"], json=request.json).json()


@app.get("/carts/<name>")
def get(name):
    return carts[name]


if __name__ == "__main__":
    app.run(debug=True)
""",
}


def colours(*hexes: str) -> list[tuple[int, int, int]]:
    return [(int(one[:2], 16), int(one[2:4], 16), int(one[4:], 16)) for one in hexes]


THEME = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    colours("484f58", "ff7b72", "3fb950", "d29922", "58a6ff", "bc8cff", "39c5cf", "b1bac4"),
    colours("6e7681", "ffa198", "56d364", "e3b341", "79c0ff", "d2a8ff", "56d4dd", "ffffff"),
)

# rich's own frame without the fonts that it loads from elsewhere: GitHub would not load them
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<!-- Recorded by `make pictures`. -->
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, Arial, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def recorded(words: list[str], folder: Path) -> str:
    """What a command writes to a terminal of COLUMNS columns, escape sequences included."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CI", "GIT_", "TWELVEFAC_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment |= {"TERM": "xterm-256color", "PATH": f"{HOME_OF_TOOLS}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"XDG_CACHE_HOME": str(folder / ".cache"), "LC_ALL": "C"}
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    output = bytearray()
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: the other side is closed, on Linux
                raise
            break
        if not piece:
            break
        output += piece
    os.close(master)
    process.wait()
    # a line that was drawn over (progress) shows its last state
    lines = [re.sub(r".*\r(?=.)", "", line.rstrip("\r")) for line in output.decode().split("\n")]
    return re.sub(r"\x1b\[\d*[ABCDJKlh]|\x1b\[\?\d+[lh]", "", "\n".join(lines)).rstrip()


def picture(name: str, commands: Sequence[str], folder: Path) -> str:
    """The commands one after the other on one screen, as SVG."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        for number, command in enumerate(commands):
            if number:
                console.print()
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            console.print(Text.from_ansi(recorded(command.split(), folder)))
        console.print()  # the frame cuts the last line close
        svg = console.export_svg(title="", theme=THEME, code_format=FRAME, unique_id=name)
    return "".join(line.rstrip() + "\n" for line in svg.splitlines())


def all_pictures() -> dict[str, str]:
    folder = Path(tempfile.mkdtemp(prefix="twelvefac-pictures-"))
    try:
        for name, text in SHOP.items():
            (folder / "shop").mkdir(exist_ok=True)
            (folder / "shop" / name).write_text(text, encoding="utf-8")
        return {
            "new": picture(
                "new", ["twelvefac new service orders --defaults", "ls -A orders orders/src/orders"], folder
            ),
            "audit": picture("audit", ["twelvefac audit shop"], folder),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Record the terminal pictures.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a picture is not current")
    check = parser.parse_args().check
    for name, svg in all_pictures().items():
        path = PICTURES / f"{name}.svg"
        if not check:
            PICTURES.mkdir(exist_ok=True)
            path.write_text(svg, encoding="utf-8")
        elif not path.exists() or words(path.read_text(encoding="utf-8")) != words(svg):
            sys.stderr.write(f"{path.name} does not show what the command prints today: run `make pictures`\n")
            return 1
    return 0


def words(svg: str) -> list[str]:
    """What a picture says; how it is drawn may differ with the version of rich."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


if __name__ == "__main__":
    sys.exit(main())
