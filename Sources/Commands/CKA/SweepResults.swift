import CommandSupport
import Inputs
import Logging
import ResultFigures
import Results
import Support
import SweepStore

/// Writes the results of a store beside its data, and says what there is.
func writeResults(
  _ results: SweepResults, groups: ModelTable, table: Bool, report: Bool, log: Logger, isQuiet: Bool
) throws {
  let start = ContinuousClock.now
  let count = results.models.count
  Progress.begin(isQuiet: isQuiet)
  Progress.meter.begin(Double(count * (count + 1) / 2), as: "results")
  defer { Progress.meter.end() }
  var outputs = try SweepOutputs(results, table: groups, warn: Console.warning)
  let summary = try outputs.write(table: table, report: report) { Progress.meter.reach($0) }
  for warning in summary.warnings { log.warning("\(warning)") }
  guard !isQuiet else { return }
  try Console.print(summary.text(seconds: start.elapsed, table: table, report: report))
}
