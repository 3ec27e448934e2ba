#!/usr/bin/env python3
"""Assidu and DuckDB side by side on the same generated log: how to run and read it is in README.md.

The process that measures stays small and never imports DuckDB: what a child inherits from it would otherwise count
as the child's memory. DuckDB works in children of this same file (`_load`, `_worker`, `_same`).
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

# The columns of logstore_standard_log, in Moodle's order.
COLUMNS = {
    "id": "BIGINT", "eventname": "VARCHAR", "component": "VARCHAR", "action": "VARCHAR", "target": "VARCHAR",
    "objecttable": "VARCHAR", "objectid": "BIGINT", "crud": "VARCHAR", "edulevel": "BIGINT", "contextid": "BIGINT",
    "contextlevel": "BIGINT", "contextinstanceid": "BIGINT", "userid": "BIGINT", "courseid": "BIGINT",
    "relateduserid": "BIGINT", "anonymous": "BIGINT", "other": "VARCHAR", "timecreated": "BIGINT",
    "origin": "VARCHAR", "ip": "VARCHAR", "realuserid": "BIGINT",
}

# Sessions per user at a threshold of 1800 s, strictly longer gaps close a session.
# Hits of one second are peers in the second window (its frame is a range), so ties cannot split a session.
SESSIONS_DUCKDB = """
WITH gaps AS (
  SELECT userid, timecreated, timecreated - lag(timecreated) OVER (PARTITION BY userid ORDER BY timecreated) AS gap
  FROM log
), numbered AS (
  SELECT userid, timecreated,
    sum(CASE WHEN gap <= 1800 THEN 0 ELSE 1 END) OVER (PARTITION BY userid ORDER BY timecreated) AS session
  FROM gaps
), sessions AS (
  SELECT userid, min(timecreated) AS starts, max(timecreated) AS ends, count(*) AS events
  FROM numbered
  GROUP BY userid, session
)
SELECT userid, count(*) AS sessions, min(starts) AS first, max(starts) AS last, min(ends - starts) AS min,
  max(ends - starts) AS max, avg(ends - starts) AS mean, sum(ends - starts)::BIGINT AS elapsed,
  sum(events)::BIGINT AS events
FROM sessions
GROUP BY userid
"""

SESSIONS_ASSIDU = (
    "SELECT userid, session_stats(timecreated, 1800) AS s FROM logstore_standard_log GROUP BY userid"
)

# Fields of the struct that `session_stats` answers, under the names of the query above.
FIELDS = ["sessions", "first", "last", "min", "max", "mean", "elapsed", "events"]

# Time spent: gaps of up to an hour count whole, longer ones and the last hit of a user are worth 900 s.
SPENT_POLICY = "gap_900, threshold = 3600, credit = 900"

LAPS_DUCKDB = """
SELECT userid, courseid, contextlevel, contextinstanceid, action, timecreated,
  CASE WHEN following - timecreated <= 3600 THEN following - timecreated ELSE 900 END AS lap
FROM (
  SELECT *, lead(timecreated) OVER (PARTITION BY userid ORDER BY timecreated, id) AS following FROM log
)
"""

# The best form by hand: rows come in the order of the files, where users are clustered, so one streaming window does.
LAPS_TUNED = """
SELECT userid, courseid, contextlevel, contextinstanceid, action, timecreated,
  CASE WHEN next_user = userid AND following - timecreated <= 3600 THEN following - timecreated ELSE 900 END AS lap
FROM (
  SELECT *, lead(timecreated) OVER () AS following, lead(userid) OVER () AS next_user FROM log
)
"""

# An activity, or a negative number for each area outside of activities.
PLACE_DUCKDB = "CASE contextlevel WHEN 70 THEN contextinstanceid WHEN 10 THEN CASE action WHEN 'loggedin' THEN -2 ELSE -1 END WHEN 30 THEN -2 ELSE -3 END"
PLACE_ASSIDU = "CASE module WHEN 'system' THEN -1 WHEN 'user' THEN -2 WHEN 'course' THEN -3 ELSE cmid END"

# Name, Assidu's statement, and DuckDB's over {laps}.
SPENT = [
    ("user × course",
     f"SELECT userid, courseid, elapsed, events FROM course_time('{SPENT_POLICY}')",
     "WITH laps AS ({laps}) SELECT userid, courseid, sum(lap)::BIGINT AS elapsed, count(*) AS events FROM laps "
     "GROUP BY userid, courseid"),
    ("user × course × module",
     f"SELECT userid, courseid, {PLACE_ASSIDU} AS place, elapsed, events FROM activity_time('{SPENT_POLICY}')",
     f"WITH laps AS ({{laps}}) SELECT userid, courseid, {PLACE_DUCKDB} AS place, sum(lap)::BIGINT AS elapsed, "
     "count(*) AS events FROM laps GROUP BY ALL"),
    # A lap that crosses midnight (UTC) is cut there.
    ("user × course × day",
     f"SELECT userid, courseid, CAST(day AS INT)::BIGINT AS day, elapsed, events FROM daily_time('{SPENT_POLICY}')",
     "WITH laps AS MATERIALIZED ({laps}), parts AS ("
     "SELECT userid, courseid, timecreated // 86400 AS day, least(lap, 86400 - timecreated % 86400) AS lap, 1 AS hit FROM laps "
     "UNION ALL SELECT userid, courseid, timecreated // 86400 + 1, lap - (86400 - timecreated % 86400), 0 FROM laps "
     "WHERE lap > 86400 - timecreated % 86400) "
     "SELECT userid, courseid, day, sum(lap)::BIGINT AS elapsed, sum(hit)::BIGINT AS events FROM parts GROUP BY ALL"),
]

# The whole result of block_use_stats for all users: every part of every session, and the sessions.
WHOLE = [("parts of sessions, all users", "SELECT * FROM session_time('use_stats')"),
         ("sessions, all users", "SELECT * FROM sessions('use_stats')"),
         ("user × course, all users", "SELECT * FROM course_time('use_stats')")]

# Reads the same two columns and does nothing with them that costs: the floor under any query on sessions.
DECODE = "SELECT count(*) AS n, sum(timecreated) AS t, sum(userid) AS u FROM {log}"


# ---- children that use DuckDB ----------------------------------------------------------------------------------


def connect(threads, memory=None):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {int(threads)}")
    if memory:
        connection.execute(f"SET memory_limit = {quote(memory)}")
    return connection


def quote(text):
    return "'" + str(text).replace("'", "''") + "'"


def cpu_of_self():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def timed(work):
    start, cpu = time.perf_counter(), cpu_of_self()
    work()
    return {"seconds": time.perf_counter() - start, "cpu": cpu_of_self() - cpu}


def csv_columns():
    return "{" + ", ".join(f"{quote(name)}: {quote(kind)}" for name, kind in COLUMNS.items()) + "}"


def read_csv(path):
    return f"read_csv({quote(path)}, header = true, delim = ',', quote = '\"', escape = '\"', columns = {csv_columns()})"


def duckdb_load(csv, out, threads, memory):
    """The bulk load: CSV to Parquet, sorted as the store sorts it."""
    connection = connect(threads, memory)
    connection.execute(f"SET temp_directory = {quote(str(out) + '.tmp')}")
    sql = (
        f"COPY (SELECT {', '.join(COLUMNS)} FROM {read_csv(csv)} ORDER BY userid, timecreated, id) "
        f"TO {quote(out)} (FORMAT parquet, COMPRESSION zstd)"
    )
    print(json.dumps(timed(lambda: connection.execute(sql))))


def duckdb_worker(parquet, threads):
    """Runs statements over the Parquet files, one per line, as `timed_query` does for Assidu."""
    connection = connect(threads)
    connection.execute(f"CREATE VIEW log AS SELECT * FROM read_parquet({quote(parquet)})")
    for line in sys.stdin:
        order = json.loads(line)
        # A temporary table takes all rows without turning them into Python objects.
        report = timed(lambda: connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {order['sql']}"))
        report["rows"] = connection.execute("SELECT count(*) FROM answer").fetchall()[0][0]
        report["peak_rss_kib"] = peak_of_self()
        if order.get("out"):
            connection.execute(f"COPY answer TO {quote(order['out'])} (FORMAT parquet)")
        print(json.dumps(report), flush=True)


def peak_of_self():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def casts(columns):
    return ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())


def duckdb_same(left, right, threads, exact):
    """Compares the logs in two sets of Parquet files as multisets of rows over the 21 columns; prints differences."""
    connection = connect(threads)
    for name, files in (("left_log", left), ("right_log", right)):
        connection.execute(f"CREATE VIEW {name} AS SELECT {casts(COLUMNS)} FROM read_parquet({quote(files)})")
    differences = []
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    parts = ["count(*)", f"sum(hash({names}))"] + [f'sum(hash("{name}"))' for name in COLUMNS]
    labels = ["rows", "row hashes", *COLUMNS]
    sums = [connection.execute(f"SELECT {', '.join(parts)} FROM {view}").fetchall()[0] for view in ("left_log", "right_log")]
    for label, one, other in zip(labels, *sums):
        if one != other:
            differences.append(f"{label}: {one} and {other}")
    if exact:
        for one, other in (("left_log", "right_log"), ("right_log", "left_log")):
            count = connection.execute(
                f"SELECT count(*) FROM (SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other})").fetchall()[0][0]
            if count:
                differences.append(f"{count} rows are in {one} alone")
    print(json.dumps({"rows": [sums[0][0], sums[1][0]], "differences": differences}))


def duckdb_same_sessions(assidu, duckdb_out, threads):
    """Compares the sessions of both answers: whole numbers exactly, the mean to nine digits."""
    connection = connect(threads)
    fields = ", ".join(f's."{name}" AS "{name}"' for name in FIELDS)
    connection.execute(f"CREATE VIEW a AS SELECT userid, {fields} FROM read_parquet({quote(assidu)})")
    connection.execute(f"CREATE VIEW b AS SELECT * FROM read_parquet({quote(duckdb_out)})")
    whole = [name for name in FIELDS if name != "mean"]
    differs = " OR ".join([f'a."{name}" IS DISTINCT FROM b."{name}"' for name in whole]
                          + ["NOT coalesce(abs(a.mean - b.mean) <= 1e-9 * greatest(1, abs(b.mean)), false)"])
    rows = [connection.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0] for view in ("a", "b")]
    wrong = connection.execute(
        f"SELECT * FROM a FULL JOIN b ON a.userid = b.userid WHERE {differs} OR a.userid IS NULL OR b.userid IS NULL "
        "ORDER BY 1 LIMIT 5").fetchall()
    differences = [f"user {row[0]}: {row}" for row in wrong]
    if rows[0] != rows[1]:
        differences.insert(0, f"rows: {rows[0]} and {rows[1]}")
    print(json.dumps({"rows": rows, "differences": differences}))


def duckdb_same_rows(left, right, threads):
    """Compares two answers as multisets of rows, all columns as whole numbers."""
    connection = connect(threads)
    for name, files in (("a", left), ("b", right)):
        columns = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({quote(files)})").fetchall()
        names = ", ".join(f'CAST("{column[0]}" AS BIGINT) AS "{column[0]}"' for column in columns)
        connection.execute(f"CREATE VIEW {name} AS SELECT {names} FROM read_parquet({quote(files)})")
    rows = [connection.execute(f"SELECT count(*) FROM {view}").fetchall()[0][0] for view in ("a", "b")]
    differences = [] if rows[0] == rows[1] else [f"rows: {rows[0]} and {rows[1]}"]
    for one, other in (("a", "b"), ("b", "a")):
        wrong = connection.execute(f"SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other} ORDER BY ALL LIMIT 5").fetchall()
        differences += [f"only in {one}: {row}" for row in wrong]
    print(json.dumps({"rows": rows, "differences": differences}))


# ---- measuring ---------------------------------------------------------------------------------------------------


def child(*arguments):
    return [sys.executable, str(Path(__file__).resolve()), *map(str, arguments)]


def run(command, capture=False, **options):
    """Runs a command; answers wall and CPU seconds, peak memory and, if asked, what it wrote."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], text=True,
                               stdout=subprocess.PIPE if capture else subprocess.DEVNULL, **options)
    text = process.stdout.read() if capture else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"failed with exit code {process.returncode}: {' '.join(map(str, command))}")
    return {"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss / 1024, "text": text}


def ask(command):
    return json.loads(run(command, capture=True)["text"])


def warm(path):
    """Reads a file once, so that neither program pays for the disk."""
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def size_of(files):
    return sum(file.stat().st_size for file in files)


class Worker:
    """A warm process that answers one JSON line per JSON line."""

    def __init__(self, command):
        self.process = subprocess.Popen([str(part) for part in command], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.command = command

    def ask(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"stopped without an answer: {' '.join(map(str, self.command))}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def heading(title, note=""):
    print(f"\n### {title}\n")
    if note:
        print(note + "\n")


def table(rows):
    """Prints a Markdown table; the first row is the header."""
    print("| " + " | ".join(rows[0]) + " |")
    print("|---" + "|---:" * (len(rows[0]) - 1) + "|")
    for row in rows[1:]:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def compared(assidu, duckdb, figures):
    """Rows of a table: medians, DuckDB / Assidu, and the least and greatest ratio over the pairs."""
    rows = []
    for label, key, digits in figures:
        a, d = median(assidu, key), median(duckdb, key)
        ratios = [other[key] / own[key] for own, other in zip(assidu, duckdb) if own[key] > 0]
        spread = f"{min(ratios):.2f} – {max(ratios):.2f}" if ratios else "–"
        ratio = f"{d / a:.2f}" if a > 0 else "–"
        rows.append([label, f"{a:.{digits}f}", f"{d:.{digits}f}", ratio, spread])
    return rows


def check(what, answer):
    """Says that two results are equal, or tells the differences and remembers the failure."""
    if answer["differences"]:
        print(f"\n**{what}: DIFFERENT**\n")
        for difference in answer["differences"]:
            print(f"* {difference}")
        return False
    print(f"\n{what}: equal, {answer['rows'][0]:,} rows on both sides.")
    return True


# ---- suites ------------------------------------------------------------------------------------------------------


def generate(options, csv):
    if not csv.exists():
        partial = csv.with_suffix(".partial")
        run([options.bin_dir / "generate", "--rows", options.rows, "--seed", options.seed, "--output", partial])
        partial.rename(csv)
    return csv


def parquet_files(options):
    folder = options.store / options.site / "logstore_standard_log"
    files = sorted(folder.glob("*.parquet"))
    if not files:
        sys.exit(f"no Parquet files in {folder}: run the suite `load` first, or give --store-from-generator")
    return files


def suite_load(options):
    csv = generate(options, options.work / f"log-{options.rows}-{options.seed}.csv")
    sorted_file = options.work / "duckdb.parquet"
    assidu, duckdb = [], []
    for _ in range(options.rounds):
        shutil.rmtree(options.store, ignore_errors=True)
        warm(csv)
        assidu.append(run([options.assidu, "--store", options.store, "load", csv, "--format", "log"]))
        sorted_file.unlink(missing_ok=True)
        warm(csv)
        duckdb.append(load_by_duckdb(options, csv, sorted_file))
    bytes_out = [size_of(parquet_files(options)), sorted_file.stat().st_size]
    heading(f"Bulk load: {options.rows:,} rows, {csv.stat().st_size / 1e9:.2f} GB of CSV, "
            f"{options.threads} threads, {options.rounds} round(s) in turns")
    rows = [["median", "Assidu", "DuckDB", "DuckDB / Assidu", "over the pairs"]]
    rows += compared(assidu, duckdb, [("wall seconds", "seconds", 2), ("CPU seconds", "cpu", 2), ("peak RSS, MiB", "rss", 0)])
    rows.append(["rows per second", *(f"{options.rows / median(runs, 'seconds'):,.0f}" for runs in (assidu, duckdb)), "", ""])
    rows.append(["bytes per row stored", *(f"{size / options.rows:.1f}" for size in bytes_out),
                 f"{bytes_out[1] / bytes_out[0]:.2f}", ""])
    table(rows)
    if options.memory_limit:
        report_limited(options, csv)
    store_glob = options.store / options.site / "logstore_standard_log" / "*.parquet"
    exact = ["--exact"] if options.exact else []
    same = check("Contents of both outputs, 21 columns",
                 ask(child("_same", store_glob, sorted_file, "--threads", options.threads, *exact)))
    sorted_file.unlink()
    return same


def load_by_duckdb(options, csv, out, memory=None):
    limit = ["--memory", memory] if memory else []
    measured = run(child("_load", csv, out, "--threads", options.threads, *limit), capture=True)
    # DuckDB's own time: what its interpreter takes to start is left out.
    return {**measured, **json.loads(measured["text"])}


def report_limited(options, csv):
    out = options.work / "duckdb-limited.parquet"
    limited = load_by_duckdb(options, csv, out, options.memory_limit)
    print(f"\nFor information, DuckDB with `memory_limit = '{options.memory_limit}'`, one run: {limited['seconds']:.2f} s wall, "
          f"{limited['cpu']:.2f} s CPU, {limited['rss']:.0f} MiB peak RSS.")
    out.unlink()


def fill_store(options):
    """Fills a store from the generator without a CSV file: clustered rows through a pipe, in one commit."""
    shutil.rmtree(options.store, ignore_errors=True)
    producer = subprocess.Popen([str(options.bin_dir / "generate"), "--rows", str(options.rows), "--seed", str(options.seed),
                                 "--order", "user", "--stdout"], stdout=subprocess.PIPE)
    measured = run([options.assidu, "--store", options.store, "load", "-", "--format", "log"], stdin=producer.stdout)
    producer.stdout.close()
    if producer.wait() != 0:
        sys.exit("the generator failed")
    print(f"Store filled with {options.rows:,} rows in {measured['seconds']:.0f} s (not a benchmark: clustered input).")


def suite_sessions(options):
    if options.store_from_generator:
        fill_store(options)
    files = parquet_files(options)
    for file in files:
        warm(file)
    pattern = files[0].parent / "*.parquet"
    assidu = Worker([options.bin_dir / "timed_query", "--store", options.store, "--threads", options.threads])
    duckdb = Worker(child("_worker", pattern, "--threads", options.threads))
    statements = [("sessions", SESSIONS_ASSIDU, SESSIONS_DUCKDB),
                  ("decode", DECODE.format(log="logstore_standard_log"), DECODE.format(log="log"))]
    results = {}
    for name, own, other in statements:
        outs = [options.work / f"{name}-{program}.parquet" for program in ("assidu", "duckdb")]
        # The first run warms both and gives the rows that are compared; it is not counted.
        assidu.ask(sql=own, out=str(outs[0]))
        duckdb.ask(sql=other, out=str(outs[1]))
        pairs = [(assidu.ask(sql=own), duckdb.ask(sql=other)) for _ in range(options.rounds)]
        results[name] = ([pair[0] for pair in pairs], [pair[1] for pair in pairs], outs)
    assidu.close()
    duckdb.close()
    report_sessions(options, results, files)
    outs = results["sessions"][2]
    return check("Sessions of every user", ask(child("_same_sessions", *outs, "--threads", options.threads)))


def suite_spent(options):
    if options.store_from_generator and not options.store.exists():
        fill_store(options)
    files = parquet_files(options)
    for file in files:
        warm(file)
    pattern = files[0].parent / "*.parquet"
    assidu = Worker([options.bin_dir / "timed_query", "--store", options.store, "--threads", options.threads])
    same, rows = True, [["median", "Assidu", "DuckDB", "DuckDB / Assidu", "over the pairs"]]
    for name, own, other in SPENT:
        outs = [options.work / f"spent-{side}.parquet" for side in ("assidu", "window", "tuned")]
        # A process of its own per statement: what DuckDB keeps for one must not weigh on the next.
        duckdb = Worker(child("_worker", pattern, "--threads", options.threads))
        window, tuned = other.format(laps=LAPS_DUCKDB), other.format(laps=LAPS_TUNED)
        assidu.ask(sql=own, out=str(outs[0]))
        duckdb.ask(sql=window, out=str(outs[1]))
        duckdb.ask(sql=tuned, out=str(outs[2]))
        turns = [(assidu.ask(sql=own), duckdb.ask(sql=window), duckdb.ask(sql=tuned)) for _ in range(options.rounds)]
        duckdb.close()
        mine, plain, best = ([turn[side] for turn in turns] for side in range(3))
        for label, theirs in (("window SQL", plain), ("by hand", best)):
            rows += compared(mine, theirs, [(f"{name}, {label}, wall seconds", "seconds", 3),
                                            (f"{name}, {label}, CPU seconds", "cpu", 2)])
        for label, out in (("window SQL", outs[1]), ("by hand", outs[2])):
            same &= check(f"{name}, {label}", ask(child("_same_rows", outs[0], out, "--threads", options.threads)))
        for out in outs:
            out.unlink()
    assidu.close()
    heading(f"Time spent: {options.threads} threads, {options.rounds} round(s) in turns, warm processes")
    table(rows)
    report_whole(options)
    return same


def report_whole(options):
    """The whole result of all users, of one and of a hundred: Assidu alone, streamed and dropped."""
    heading("Assidu alone, policy use_stats")
    rows = [["median", "wall seconds", "CPU seconds", "rows", "peak RSS, MiB"]]
    users = ask(child("_users", parquet_files(options)[0].parent / "*.parquet"))["users"]
    one, many = users[len(users) // 2], ", ".join(map(str, users))
    statements = WHOLE + [
        ("one user, by course", f"SELECT * FROM course_time('use_stats') WHERE userid = {one}"),
        ("one user, all parts", f"SELECT * FROM session_time('use_stats') WHERE userid = {one}"),
        (f"{len(users)} users, by course", f"SELECT * FROM course_time('use_stats') WHERE userid IN ({many})"),
        (f"{len(users)} users, all parts", f"SELECT * FROM session_time('use_stats') WHERE userid IN ({many})"),
    ]
    for name, sql in statements:
        # A process of its own per statement, so that the peak is that of the statement.
        worker = Worker([options.bin_dir / "timed_query", "--store", options.store, "--threads", options.threads])
        worker.ask(sql=sql)
        runs = [worker.ask(sql=sql) for _ in range(max(options.rounds, 5))]
        worker.close()
        rows.append([name, f"{median(runs, 'seconds'):.4f}", f"{median(runs, 'cpu'):.3f}", f"{runs[0]['rows']:,}",
                     f"{runs[-1]['peak_rss_kib'] / 1024:.0f}"])
    table(rows)


def report_sessions(options, results, files):
    rows_in_store = ask(child("_count", files[0].parent / "*.parquet"))["rows"]
    heading(f"Sessions per user: {rows_in_store:,} rows, {size_of(files) / rows_in_store:.1f} bytes per row, "
            f"{options.threads} threads, {options.rounds} round(s) in turns, warm processes")
    rows = [["median", "Assidu", "DuckDB", "DuckDB / Assidu", "over the pairs"]]
    for name, (assidu, duckdb, _) in results.items():
        for run in assidu + duckdb:
            run["rss"] = run["peak_rss_kib"] / 1024
        rows += compared(assidu, duckdb, [(f"{name}, wall seconds", "seconds", 3), (f"{name}, CPU seconds", "cpu", 2)])
    # The peak of a process only grows: that of `sessions`, which ran first, is its own.
    rows += compared(results["sessions"][0][-1:], results["sessions"][1][-1:], [("peak RSS of sessions, MiB", "rss", 0)])
    shares = [median(results["decode"][side], "seconds") / median(results["sessions"][side], "seconds") for side in (0, 1)]
    rows.append(["decoding alone, share of sessions", *(f"{share:.0%}" for share in shares), "", ""])
    table(rows)


# ---- command line ------------------------------------------------------------------------------------------------


def machine_lines(options):
    cpu = platform.processor() or "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"* machine: {cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}")
    assidu = run([options.assidu, "--version"], capture=True)["text"].strip()
    print(f"* programs: {assidu}; DuckDB {ask(child('_version'))['version']} (Python {platform.python_version()})")
    print(f"* data: generated, {options.rows:,} rows, seed {options.seed}")
    print(f"* load average before: {os.getloadavg()[0]:.2f}")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=["load", "sessions", "spent", "all"])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5, help="pairs measured in turns (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of both programs (default 2)")
    parser.add_argument("--work", type=Path, default=Path("bench-work"), help="folder for data, kept (default bench-work)")
    parser.add_argument("--bin-dir", type=Path, default=TOP / "target" / "release", help="where generate and timed_query are")
    parser.add_argument("--assidu", type=Path, help="the program (default: in --bin-dir)")
    parser.add_argument("--store", type=Path, help="the store (default: <work>/store-<rows>)")
    parser.add_argument("--site", default="main")
    parser.add_argument("--store-from-generator", action="store_true", help="sessions: fill the store first, without a CSV")
    parser.add_argument("--memory-limit", default="1GB", help="DuckDB's limit for the run for information; '' skips it")
    parser.add_argument("--exact", action="store_true", help="load: compare row by row, not only by hashes (slower)")
    options = parser.parse_args(arguments)
    options.bin_dir = options.bin_dir.resolve()
    options.work = options.work.resolve()
    options.assidu = (options.assidu or options.bin_dir / "assidu").resolve()
    options.store = (options.store or options.work / f"store-{options.rows}").resolve()
    return options


def parse_child(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("task")
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory")
    parser.add_argument("--exact", action="store_true")
    return parser.parse_args(arguments)


def child_main(arguments):
    options = parse_child(arguments)
    match options.task:
        case "_load":
            duckdb_load(*options.paths, options.threads, options.memory)
        case "_worker":
            duckdb_worker(*options.paths, options.threads)
        case "_same":
            duckdb_same(*options.paths, options.threads, options.exact)
        case "_same_sessions":
            duckdb_same_sessions(*options.paths, options.threads)
        case "_same_rows":
            duckdb_same_rows(*options.paths, options.threads)
        case "_users":
            sql = f"SELECT list(DISTINCT userid ORDER BY userid) FROM read_parquet({quote(options.paths[0])})"
            users = connect(options.threads).execute(sql).fetchall()[0][0]
            print(json.dumps({"users": users[:: max(1, len(users) // 100)][:100]}))
        case "_count":
            sql = f"SELECT count(*) FROM read_parquet({quote(options.paths[0])})"
            print(json.dumps({"rows": connect(options.threads).execute(sql).fetchall()[0][0]}))
        case "_version":
            import duckdb

            print(json.dumps({"version": duckdb.__version__}))


def main():
    if len(sys.argv) > 1 and sys.argv[1].startswith("_"):
        return child_main(sys.argv[1:])
    options = parse(sys.argv[1:])
    options.work.mkdir(parents=True, exist_ok=True)
    machine_lines(options)
    same = True
    if options.suite in ("load", "all"):
        same &= suite_load(options)
    if options.suite in ("sessions", "all"):
        same &= suite_sessions(options)
    if options.suite in ("spent", "all"):
        same &= suite_spent(options)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
