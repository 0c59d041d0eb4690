"""A warm process that runs things in forks of itself and has them killed at chosen moments.

Importing torch costs seconds; a fork costs nothing. A request is a line of JSON, as is the answer.
A moment is a number of profile events, so it does not depend on the speed of the machine: an event
is a call or a return, of Python's own functions and of those in C, such as a write or a rename.
"""

import contextlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import torch

from txlib import atomic
from txlib.recipes import translation

RECIPES = Path(__file__).parents[1] / "recipes" / "conftest.py"


def tiny_corpus():
    spec = importlib.util.spec_from_file_location("recipes_conftest", RECIPES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_corpus()


class Killer:
    """Counts profile events, and kills its own process at the chosen one.

    Args:
        moment: the event to die at, from 1; None: never.
        only_writing: whether only events of `txlib.atomic` count.
        half: whether half of the bytes are written first, where the event is a write.
    """

    def __init__(self, moment, only_writing, half):
        self.moment, self.only_writing, self.half = moment, only_writing, half
        self.all = self.writing = 0

    def __call__(self, frame, event, arg):
        self.all += 1
        inside = frame.f_code.co_filename == atomic.__file__
        if inside and (not self.half or (event == "c_call" and arg.__name__ == "write")):
            self.writing += 1
        elif self.only_writing:
            return
        if (self.writing if self.only_writing else self.all) == self.moment:
            if self.half:
                seen = frame.f_locals
                seen["file"].write(seen["data"][: len(seen["data"]) // 2])
                seen["file"].flush()
            os.kill(os.getpid(), signal.SIGKILL)


def work(request):
    """In the child: one run of the recipe, one file or one folder."""
    if request["what"] == "recipe":
        return translation.main(request["words"])
    data = bytes([request["byte"]]) * 100_000
    if request["what"] == "file":
        atomic.write_atomically("file", data)
    else:
        atomic.write_folder_atomically("folder", {"a": data, "b": data})
    return 0


def child(request):
    os.chdir(request["folder"])
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    killer = Killer(request.get("moment"), request.get("only_writing"), request.get("half"))
    try:
        sys.setprofile(killer)
        code = work(request)
        sys.setprofile(None)
        Path("events.txt").write_text(json.dumps([killer.all, killer.writing]))
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        code = 99
    os._exit(code)


def main():
    torch.set_num_threads(1)
    corpus = tiny_corpus()
    translation.load_corpus = lambda name, *, train_size: corpus
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        translation.main([*sys.argv[1:], "--out", folder])  # what is imported late is imported now
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if not (pid := os.fork()):
            child(request)
        _, status = os.waitpid(pid, 0)
        answer = {"code": os.waitstatus_to_exitcode(status)}
        if answer["code"] == 0:
            answer["events"] = json.loads(Path(request["folder"], "events.txt").read_text())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
