"""Figures out of samples: percentiles, the table, bench.json."""
import json

BUDGETS = {  # what we want of ourselves, in the row's unit or against its peer; shown, never enforced
    "up_ready_ms": "≤ 150", "up_first_ms": "≤ 1000", "run_post_to_exec_ms": "≤ 50", "path_launches": "≤ 2",
    "runner_start_ms": "≤ 2", "runner_cpu_ms_per_turn": "≤ 0.3", "runner_rss_mib": "≤ 6", "execute_command_ms": "≤ 5",
    "gateway_off_added_ms": "p99 ≤ 0.4", "cluster_run_to_job_ms": "≤ 2 ×", "cluster_burst_jobs_per_s": "≥ 0.7 ×",
    "controller_rss_mib": "≤ 64", "controller_idle_percent": "≤ 0.1",
}


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Figures:
    def __init__(self):
        self.rows = {}

    def add(self, name, unit, samples, peer=None):
        """`peer` is the name of another row; it may come later."""
        ordered = sorted(samples)
        self.rows[name] = {"name": name, "value": percentile(ordered, 0.5), "unit": unit, "n": len(ordered),
                           "p50": percentile(ordered, 0.5), "p99": percentile(ordered, 0.99), "peer": peer, "ratio": None}

    def add_difference(self, name, row, less, peer=None):
        """By percentile: what the one takes beyond the other."""
        row, less = self.rows[row], self.rows[less]
        p50, p99 = (row[share] - less[share] for share in ("p50", "p99"))
        self.rows[name] = {**row, "name": name, "value": p50, "p50": p50, "p99": p99, "peer": peer if peer != name else None}

    def finish(self):
        for row in self.rows.values():
            peer = self.rows.get(row["peer"])
            if peer and peer["value"]:
                row["ratio"] = row["value"] / peer["value"]
        return list(self.rows.values())

    def write(self, path):
        path.write_text(json.dumps(self.finish(), indent=1) + "\n")

    def table(self):
        def short(number):
            return "" if number is None else f"{number:.3g}" if abs(number) < 100 else f"{number:.0f}"

        lines = [("name", "p50", "p99", "unit", "n", "peer", "its p50", "ratio", "budget")]
        for row in self.finish():
            peer = self.rows.get(row["peer"], {})
            lines.append((row["name"], short(row["p50"]), short(row["p99"]) if row["n"] > 1 else "", row["unit"], str(row["n"]),
                          row["peer"] or "", short(peer.get("value")), short(row["ratio"]), BUDGETS.get(row["name"], "")))
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)
