"""contained.py SECRETS WRITABLE COMMAND...: becomes the command in this process, which is process 1 of
its namespaces, after all mounts but the folders of WRITABLE were made read-only; the folder SECRETS,
if there is one, is at /run/secrets."""

import os
import subprocess
import sys


def mount(*arguments, check=True):
    return subprocess.run(["mount", *arguments], check=check, capture_output=True).returncode == 0


def mount_points():
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        return [line.split()[4].encode().decode("unicode_escape") for line in lines]


secrets, writable, command = sys.argv[1], sys.argv[2], sys.argv[3:]
mount("--make-rprivate", "/")
if secrets:
    mount("-t", "tmpfs", "none", "/run")
    os.mkdir("/run/secrets")
    mount("--bind", secrets, "/run/secrets")
kept = [folder for folder in writable.split(":") if folder]
for folder in kept:
    mount("--bind", folder, folder)
for point in set(mount_points()) - set(kept):
    if not point.startswith(("/proc", "/sys", "/dev")) or point == "/dev/shm":
        mount("-o", "remount,bind,ro", point, check=point == "/")   # others may be hidden, or gone
mount("-t", "proc", "proc", "/proc")
os.execv(command[0], command)
