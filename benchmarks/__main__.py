"""Print every benchmark as one table: python -m benchmarks."""

from benchmarks import rfm_summary


def main() -> None:
    print(f"{'':44}{'seconds':>10}{'times as fast':>16}")
    for row in rfm_summary.rows():
        print(f"{row['task']:44}{row['seconds']:10.4f}{row['ratio']:16.1f}")


if __name__ == "__main__":
    main()
