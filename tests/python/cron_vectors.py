"""Times of cron expressions over a year, as cronsim and croniter compute them: src/sync/schedule/vectors.json.

Needs: pip install cronsim croniter. Both are asked; where they disagree the vector is not written. Times within
three hours of a change of the clocks are left out: there every implementation has rules of its own, and ours are
tested one by one.
"""
import json
import sys
from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

ZONES = ["UTC", "Europe/Berlin", "America/New_York"]
EXPRESSIONS = """
*/10 6-20 * * MON-FRI
0 * * * *
30 * * * *
*/15 * * * *
*/7 3-5 * * *
5,35 8-18 * * *
0 0 * * *
59 23 * * *
30 2 * * *
0,30 2 * * *
15 14 1 * *
0 22 * * 1-5
23 0-20/2 * * *
5 4 * * SUN
0 0,12 1 */2 *
0 4 8-14 * *
0 0 1,15 * 3
30 6 * 1,4,7,10 *
0 0 29 2 *
0 12 31 * *
0 3 * * 0
0 3 * * 7
0 9 * JAN-MAR,DEC MON,WED,FRI
*/20 */6 * * *
1-59/13 10 * * *
0 5 1-7 * 1
45 23 * * 6
10 1 1 1 *
0 18 * 6-8 2-4
12 */3 */5 * *
0 8-17/3 * * 1-5
20,40 0 13 * FRI
0 0 */2 * *
0 7 28-31 * *
*/30 22-23,0-5 * * *
""".strip().splitlines()
START = datetime(2025, 12, 31, 23, 30, tzinfo=timezone.utc)
END = datetime(2027, 1, 1, tzinfo=timezone.utc)


def changes(zone):
    at, found = START, []
    while at < END:
        later = at + timedelta(hours=1)
        if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            found.append(int(later.timestamp()))
        at = later
    return found


def times(walk, near, end):
    kept = set()
    for time in walk:
        second = int(time.timestamp())
        if time >= end:
            break
        if all(abs(second - change) > 3 * 3600 for change in near):
            kept.add(second)
    return sorted(kept)


def main():
    vectors, differing = [], []
    for name in ZONES:
        zone = ZoneInfo(name)
        near = changes(zone)
        for expression in EXPRESSIONS:
            # A dense expression is followed for the weeks around the change of clocks in spring.
            dense = len(list(islice(CronSim(expression, START), 300))) == 300 and \
                list(islice(CronSim(expression, START), 300))[-1] < START + timedelta(days=50)
            start, end = (datetime(2026, 3, 1, tzinfo=timezone.utc), datetime(2026, 4, 5, tzinfo=timezone.utc)) \
                if dense else (START, END)
            first = times(CronSim(expression, start.astimezone(zone)), near, end)
            second = times(croniter(expression, start.astimezone(zone)).all_next(datetime), near, end)
            if first != second:
                differing.append((name, expression, len(first), len(second), sorted(set(first) ^ set(second))[:4]))
                continue
            vectors.append({"timezone": name, "cron": expression, "from": int(start.timestamp()),
                            "to": int(end.timestamp()), "count": len(first), "sum": sum(first),
                            "first": first[:2], "last": first[-1:], "changes": near})
    print(len(vectors), "vectors,", sum(v["count"] for v in vectors), "times", file=sys.stderr)
    for line in differing:
        print("differ:", line, file=sys.stderr)
    lines = ",\n".join("    " + json.dumps(vector) for vector in vectors)
    print(f'{{"vectors": [\n{lines}\n]}}')


main()
