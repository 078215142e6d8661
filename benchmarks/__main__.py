"""Print every benchmark: python -m benchmarks, or some of them: python -m benchmarks models --customers 23570."""

import argparse
import math

from benchmarks import large_ledger, models, rfm_summary, start_up

TABLES = {"rfm_summary": rfm_summary, "start_up": start_up, "large_ledger": large_ledger}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Side by side with lifetimes, as ratios.")
    parser.add_argument("parts", nargs="*", help=f"{', '.join([*TABLES, 'models'])}; all of them by default")
    parser.add_argument("--customers", nargs="+", type=int, default=list(models.ROUNDS), help="sizes for models")
    parser.add_argument("--rounds", type=int, help="how often models measures each side at each size")
    given = parser.parse_args()
    unknown = sorted(set(given.parts) - {*TABLES, "models"})
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join([*TABLES, 'models'])}")
    parts = given.parts or [*TABLES, "models"]
    tables = [TABLES[part] for part in parts if part in TABLES]
    if tables:
        print(f"{'':44}{'seconds':>10}{'times as fast':>16}")
    for benchmark in tables:
        for row in benchmark.rows():
            ratio = "" if math.isnan(float(row["ratio"])) else f"{row['ratio']:.2f}"
            print(f"{row['task']:44}{row['seconds']:10.3f}{ratio:>16}", flush=True)
    if "models" in parts:
        models.run(given.customers, given.rounds)


if __name__ == "__main__":
    main()
