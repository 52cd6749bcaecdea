import ActivationFiles
import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation

/// The command `cka-bench`.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cka-bench",
    abstract: "Compares the devices of this machine on the same activations.",
    subcommands: [Run.self, Tune.self],
    defaultSubcommand: Run.self)

  static func main() {
    ProcessSetup.prepare()
    main(nil)
  }
}

/// `cka-bench run`: every backend on the same work, side by side.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Compares the devices of this machine on the same activations.",
    discussion: """
      Without MODELs it writes synthetic ones of the given shape into a temporary folder. Every \
      device does the whole comparison, in turn, after one run that is not counted; medians are \
      printed. Reading is included, with the page cache warm.
      """)

  @Argument(help: "One or two models of your own to measure on.")
  var models: [String] = []

  @Option(help: "Synthetic layers of each of two models.")
  var layers = 12

  @Option(help: "Synthetic examples.")
  var examples = 512

  @Option(
    help: ArgumentHelp(
      "Synthetic features of a layer: one number, or a range whose layers average to its middle.",
      valueName: "p | p-q"))
  var features = FeatureRange(least: 2048, most: 6144)

  @Option(help: "Examples a minibatch.")
  var batchSize = 256

  @Option(help: ArgumentHelp("A device to measure (repeatable); all of them unless given."))
  var device: [String] = []

  @Option(help: "Counted runs of each device.")
  var runs = 5

  @Flag(help: "Small shapes: ends within 20 seconds.")
  var quick = false

  @Option(help: ArgumentHelp("Write the figures to this file as JSON.", valueName: "file"))
  var json: String?

  func validate() throws {
    guard models.count <= 2 else { throw ValidationError("At most two models.") }
    guard layers > 0, examples >= 4, batchSize >= 4, runs > 0 else {
      throw ValidationError("At least one layer and run, four examples and a batch of four.")
    }
  }

  func run() throws {
    try reportingFailures {
      let workload = try makeWorkload()
      defer { workload.remove() }
      let peak = measuredPeak(seconds: quick ? 0.5 : 2)
      try Console.print(
        """
        \(workload.description)
        sgemm peak of this machine: \(Format.fixed(peak.gigaflops, 0)) GFLOP/s \
        (\(peak.library), \(peak.threads) threads)

        """)
      let comparison = try workload.comparison(batchSize: batchSize)
      var measurements = try devices().map { Measurement(device: $0, comparison: comparison) }
      for run in 0...(quick ? 2 : runs) {
        for index in measurements.indices { try measurements[index].measure(isCounted: run > 0) }
      }
      let report = Report(
        workload: workload.description, batchSize: batchSize, peak: peak,
        rows: try measurements.map { try $0.row(peak: peak) })
      try Console.print(report.table, terminator: "")
      if let json { try report.write(to: json) }
    }
  }

  private func makeWorkload() throws -> Workload {
    if !models.isEmpty { return try Workload(opening: models) }
    return quick
      ? try Workload(layers: 4, examples: 256, features: .init(least: 1024, most: 3072))
      : try Workload(layers: layers, examples: examples, features: features)
  }

  /// The devices by name, or all there are.
  private func devices() throws -> [any Device] {
    let registry = DeviceRegistry()
    let names = device.isEmpty ? registry.candidates.map(\.info.id) : device
    return try names.map { name in
      guard let selection = DeviceSelection(name), selection != .automatic else {
        throw Failure(.usage, "\(name): not cpu, opencl or opencl:INDEX")
      }
      do throws(DeviceError) { return try registry.choose(selection).devices[0] } catch {
        throw Failure(error.kind == .notFound ? .unavailable : .software, error.description)
      }
    }
  }
}

/// A range of feature counts, as `2048-16384` or `8192`.
struct FeatureRange: ExpressibleByArgument, Sendable {
  let least: Int
  let most: Int

  init(least: Int, most: Int) {
    self.least = least
    self.most = most
  }

  init?(argument: String) {
    let numbers = argument.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(numbers.count), let least = numbers[0],
      let most = numbers[numbers.count - 1],
      least > 0, most >= least
    else { return nil }
    self.init(least: least, most: most)
  }
}
