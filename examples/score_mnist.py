"""What can be asked of scores in Parquet files, with pyarrow; `make score-demo` scores MNIST's pictures first."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from training import idx

MNIST = Path(__file__).parent.parent / "data/mnist"
PARTS = {
    "t10k": "test pictures, which no training has seen",
    "train": "training pictures, which the network was trained on or chosen by: no measure of anything but memory",
}


def main(scores: str) -> None:
    """Print the accuracy of both parts, how often each label was answered, and the least sure answers."""
    table = pq.read_table(scores, columns=["key", "label", "confidence"])
    for part, what in PARTS.items():
        answers = table.filter(pc.starts_with(table["key"], f"{part}-"))
        truth = idx.read(MNIST / f"{part}-labels-idx1-ubyte.gz", 1).astype(str)
        right = pc.sum(pc.equal(answers["label"], pa.array(truth))).as_py()
        print(f"{right / len(truth):7.2%} of {len(truth)} right: {what}")

    print("\nlabel   answers   least confidence")
    by_label = table.group_by("label").aggregate([([], "count_all"), ("confidence", "min")]).sort_by("label")
    for row in by_label.to_pylist():
        print(f"{row['label']:5}   {row['count_all']:7}   {row['confidence_min']:.4f}")

    print("\nleast sure")
    for row in table.take(pc.select_k_unstable(table, 5, [("confidence", "ascending")])).to_pylist():
        print(f"{row['key']:34} {row['label']}   {row['confidence']:.4f}")


if __name__ == "__main__":
    main(sys.argv[1])
