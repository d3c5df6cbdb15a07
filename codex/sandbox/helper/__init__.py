"""The helper that starts processes: a small program of its own, run as `python -I -S main.py`.

Only the standard library, and little of it, is imported here: the program must start in 20 ms and stay small. Of this
package the rest of the house imports `request` alone, which is the form of what is asked.
"""
