"""Print every benchmark as one table: python -m benchmarks."""

import math

from benchmarks import rfm_summary, start_up


def main() -> None:
    print(f"{'':44}{'seconds':>10}{'times as fast':>16}")
    for benchmark in (rfm_summary, start_up):
        for row in benchmark.rows():
            ratio = "" if math.isnan(float(row["ratio"])) else f"{row['ratio']:.2f}"
            print(f"{row['task']:44}{row['seconds']:10.3f}{ratio:>16}")


if __name__ == "__main__":
    main()
