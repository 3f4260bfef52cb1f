#!/usr/bin/env python3
"""Does what the tutorial of the plugin guide says: writes its files, runs its commands, and compares
what they print.

usage: tutorial.py GUIDE WORK-FOLDER

Blocks marked sh are run in one shell, in order. A block behind <!-- file: PATH --> is written there.
A block marked text is what the last command of the run before it must have printed last.
"""

import os
import re
import subprocess
import sys

TITLE = "## A tool in fifteen minutes"
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```\n", re.S)


def steps(guide):
    text = open(guide, encoding="utf-8").read()
    start = text.index(TITLE)
    tutorial = text[start : text.index("\n## ", start)]
    return BLOCK.findall(tutorial)


def run(commands, folder, where):
    """Gives what was printed and the folder in which the shell ended, which it writes to `where`."""
    script = "set -eu\n" + commands + '\nprintf %s "$PWD" >"$WHERE"\n'
    environment = dict(os.environ, WHERE=where)
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, timeout=300
    )
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        sys.exit("tutorial: these commands failed:\n" + commands)
    return done.stdout, open(where, encoding="utf-8").read()


def main(guide, work):
    work = os.path.abspath(work)
    folder, printed, counts = work, "", {"file": 0, "sh": 0, "text": 0}
    for path, kind, text in steps(guide):
        if path:
            with open(os.path.join(work, path), "w", encoding="utf-8") as file:
                file.write(text)
            kind = "file"
        elif kind == "sh":
            printed, folder = run(text, folder, os.path.join(work, "where"))
        elif kind == "text":
            if not printed.endswith(text):
                sys.exit("tutorial: wanted at the end:\n%sfound:\n%s" % (text, printed))
        else:
            sys.exit("tutorial: a block that nothing is done with: " + kind)
        counts[kind] += 1
    # A guide whose blocks are not found would pass without a word.
    if min(counts.values()) < 2:
        sys.exit("tutorial: too little of it was found: %s" % counts)
    print("the tutorial works: %(file)d files, %(sh)d runs, %(text)d outputs" % counts)


main(*sys.argv[1:])
