#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the manual pages of section 3 of the public headers: a page each, and links for the names.

    manual.py VERSION DIRECTORY HEADER...

The headers are written so that they read as a manual: a comment at the top says what it is about,
and a comment before each declaration is its contract; declarations without an empty line between
them share one.  A function without a contract is an error.
"""

import re
import sys
from pathlib import Path

FUNCTION = re.compile(r"\b(prong_\w+)\s*\(")
TYPE = re.compile(r"^(?:struct|enum) (prong_\w+)\s*\{", re.M)
TYPEDEF = re.compile(r"^typedef [^;]*?\b(prong_\w+)\(", re.M)
MACRO = re.compile(r"^#define (PRONG_\w+)", re.M)
OTHERS = re.compile(r"^(?:struct|enum) \w+\s*\{.*?^\};|^typedef [^;]*;|^#.*$", re.M | re.S)
FORWARD = re.compile(r"^struct \w+;$")
GUARDS = {"PRONG_BEGIN", "PRONG_END"}


class Block:
    """A comment and the declarations that it is about."""

    def __init__(self, comment, code):
        self.comment = comment
        self.code = code

    def functions(self):
        rest = OTHERS.sub("", self.code)
        return [name for part in rest.split(";") for name in FUNCTION.findall(part)[:1]]

    def names(self):
        return (self.functions() + TYPE.findall(self.code) + TYPEDEF.findall(self.code)
                + MACRO.findall(self.code))


def strip_comment(text):
    lines = [re.sub(r"^ ?\* ?", "", line.strip()) for line in text.strip()[2:-2].split("\n")]
    return "\n".join(lines).strip("\n")


def is_wanted(line):
    return not (line in GUARDS or FORWARD.match(line) or line.startswith(("#include", "#ifndef",
                                                                          "#endif")))


def split(text):
    """The comment at the top without its licence, and the blocks below it."""
    top, rest = re.match(r"(/\*.*?\*/)(.*)", text, re.S).groups()
    blocks = []
    for part in re.split(r"\n\s*\n(?=\S)", rest):
        comment, code = re.match(r"\s*(/\*.*?\*/\n)?(.*)", part, re.S).groups()
        code = "\n".join(line for line in code.split("\n") if is_wanted(line.strip()))
        code = re.sub(r"^#define PRONG_\w+_H$", "", code, flags=re.M).strip()
        if comment or code:
            blocks.append(Block(strip_comment(comment) if comment else "", code))
    top = strip_comment(top)
    return top[top.index("\n"):].strip("\n"), [block for block in blocks if block.code]


# --- roff ---


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.M)


def emphasise(text):
    return re.sub(r"`([^`]+)`", r"\\fI\1\\fR", escape(text))


def prose(text):
    """Paragraphs, lists whose items begin with "- ", and what is indented as it stands."""
    pages = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith("    "):
            pages.append(".PP\n.EX\n" + escape(paragraph) + "\n.EE\n")
            continue
        for item in re.split(r"\n(?=\s*- )", paragraph):
            words = emphasise(" ".join(re.sub(r"^\s*- ", "", item).split()))
            pages.append((".IP \\(bu 2\n" if re.match(r"\s*- ", item) else ".PP\n") + words + "\n")
    return "".join(pages).removeprefix(".PP\n")


def declaration(code):
    code = re.sub(r"\bPRONG_(?:API|CHECK) ?", "", code)
    return ".EX\n" + escape(code) + "\n.EE\n"


def first_sentence(top):
    sentence = re.match(r"(.*?[.:])(?:\s|$)", top.replace("\n", " ") + " ").group(1)
    words = sentence if len(sentence) > 12 else top.split("\n\n")[0].replace("\n", " ")
    return words.rstrip(".").replace("`", "")


def page_name(header):
    return "prong" if header.stem == "prong" else "prong_" + header.stem


def page(header, version, others):
    top, blocks = split(header.read_text(encoding="utf-8"))
    name = page_name(header)
    parts = [f".\\\" Made from the comments of {header.name}.\n",
             f".TH {name.upper()} 3 \"\" \"prong {version}\" \"libprong\"\n",
             f".SH NAME\n{name} \\- {escape(first_sentence(top))}\n",
             f".SH SYNOPSIS\n.B #include <prong/{header.name}>\n.PP\n",
             ".B cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs prong) \\-lev\n",
             ".SH DESCRIPTION\n", prose(top)]
    if blocks:
        parts.append(".SH INTERFACE\n")
    for block in blocks:
        if block.functions() and not block.comment:
            sys.exit(f"{header}: {block.functions()[0]} has no contract: write a comment before it")
        parts += [".PP\n" if block is not blocks[0] else "", declaration(block.code)]
        if block.comment:
            parts += [".RS\n", prose(block.comment), ".RE\n"]
    see = ",\n".join(f".BR {other} (3)" for other in sorted(others) if other != name)
    parts.append(".SH SEE ALSO\n" + see + "\n")
    return "".join(parts), [word for block in blocks for word in block.names()]


def main(version, directory, *headers):
    headers = [Path(header) for header in headers if Path(header).stem != "api"]
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    names = [page_name(header) for header in headers]
    owners = {}
    for header in headers:
        text, words = page(header, version, names)
        (target / f"{page_name(header)}.3").write_text(text, encoding="utf-8")
        for word in words:
            if owners.setdefault(word, header) != header:
                sys.exit(f"{header}: {word} stands in {owners[word]}, too")
    for word, header in owners.items():
        if word.islower() and word not in names:
            (target / f"{word}.3").write_text(f".so man3/{page_name(header)}.3\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
