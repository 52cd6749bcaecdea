import ArgumentParser
import CommandSupport

/// The command `cka-bench`: how fast this machine compares activations, and how fast it could.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cka-bench",
    abstract: "Measures how fast the devices of this machine compare activations.",
    discussion: """
      Without a subcommand it measures the machine's limits, and then named workloads on synthetic \
      activations or models of your own (`cka-bench help run`).
      """,
    subcommands: [
      Run.self, Scaling.self, Tune.self, Diff.self, Measure.self, MeasureLimit.self,
      Synthesize.self,
    ],
    defaultSubcommand: Run.self)

  static func main() {
    ProcessSetup.prepare()
    main(nil)
  }
}
