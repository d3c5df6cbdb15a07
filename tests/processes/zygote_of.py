"""The helper as another user: `python zygote_of.py UID FD`, started as root."""

import os
import sys

if __name__ == "__main__":
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../codex/sandbox/helper/main.py")
    package = type(sys)("helper")
    package.__path__ = [os.path.dirname(os.path.abspath(program))]
    sys.modules["helper"] = package
    server = __import__("helper._server", fromlist=["serve"])
    system = sys.modules["helper._system"]
    uid = int(sys.argv[1])
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    system.set_dumpable(on=True)
    server.serve(int(sys.argv[2]))
