import Activations
import ArgumentParser
import CommandSupport
import Device
import DeviceRegistry
import OpenCLDevice
import Support

/// `cka-bench tune`: the tiles that are fastest on a device, measured and kept.
struct Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Finds and stores the fastest tile shapes of an OpenCL device.",
    discussion: """
      Every candidate that fits the device is timed and its results are checked; wrong and failing \
      ones are rejected. The best are stored for this device and driver in the folder cka of the \
      user's cache folder ($XDG_CACHE_HOME or ~/.cache) and used from then on. Results do not \
      change by a bit.
      """)

  @Option(
    help: ArgumentHelp(
      "opencl or opencl:INDEX: the first GPU, or else the first device.", valueName: "device"))
  var device = "opencl"

  @Flag(help: "Measure only; store nothing.")
  var dryRun = false

  func run() throws {
    try reportingFailures {
      let description = try chosen()
      let tuner = OpenCLTuner(description)
      let count = tuner.gramCandidates.count + tuner.pairCandidates.count
      try Console.print(
        "\(description.info.id): \(oneLine(description.name)), \(oneLine(description.platform)) "
          + "\(oneLine(description.driverVersion)); \(count) candidates")
      let outcome: OpenCLTuner.Outcome
      do throws(DeviceError) { outcome = try tuner.run() } catch {
        throw Failure(.software, "\(description.info.id): \(oneLine(error.description))")
      }
      for step in OpenCLTuner.Step.allCases {
        try Console.print("\n" + table(step, of: outcome, by: tuner), terminator: "")
      }
      try Console.print("\nbest: \(outcome.gram) for Gram matrices, \(outcome.pair) for pairs")
      guard !dryRun else { return }
      guard tuner.store(outcome) else {
        throw Failure(
          .cannotCreate, "the user's cache folder cannot be written: nothing was stored")
      }
      try Console.print("stored for \(oneLine(description.name)) with this driver")
    }
  }

  private func chosen() throws -> OpenCLDeviceDescription {
    guard case .openCL(let index)? = DeviceSelection(device) else {
      throw Failure(.usage, "--device \(oneLine(device)): not opencl or opencl:INDEX")
    }
    let devices: [OpenCLDeviceDescription]
    do throws(DeviceError) { devices = try openCLDevices() } catch {
      throw Failure(.unavailable, "OpenCL: \(oneLine(error.description))")
    }
    let found =
      if let index { devices.first { $0.index == index } } else {
        devices.first(where: \.isGPU) ?? devices.first
      }
    guard let found else {
      throw Failure(.unavailable, "--device \(oneLine(device)): not found; see cka devices")
    }
    return found
  }

  private func table(
    _ step: OpenCLTuner.Step, of outcome: OpenCLTuner.Outcome, by tuner: OpenCLTuner
  ) -> String {
    let workloads = step == .gram ? tuner.gramWorkloads : tuner.pairWorkloads
    let best = step == .gram ? outcome.gram : outcome.pair
    let times = workloads.map {
      ("\($0.layers) × \($0.examples) × \($0.features)", TextTable.Alignment.right)
    }
    var table = TextTable(
      [(step.rawValue, .left)] + times + [("error", .right), ("", .left)])
    for measurement in outcome.measurements where measurement.step == step {
      let seconds =
        measurement.rejection == nil
        ? measurement.seconds.map(Format.seconds) : workloads.map { _ in "–" }
      let note =
        measurement.rejection.map { "rejected: " + String(oneLine($0).prefix(60)) }
        ?? (measurement.shape == best ? "best" : "") + (measurement.isDefault ? " (default)" : "")
      table.add(
        ["\(measurement.shape)"] + seconds
          + [measurement.error.map(Format.scientific) ?? "–", note])
    }
    return table.text
  }
}
