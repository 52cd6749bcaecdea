import ActivationFiles
import Activations
import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation
import Support

/// One device on one workload, in a process of its own: the other side of `Child`.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Does a comparison once for each line of standard input.", shouldDisplay: false)

  @Argument var models: [String]
  @Option var device: String
  @Option var precision = Precision.exact
  @Option var kernel = Workload.Kernel.linear
  /// Examples a minibatch; the unbiased estimator of all examples where it is missing.
  @Option var batchSize: Int?
  /// Where to write the map.
  @Option var output: String?

  func run() throws {
    try reportingFailures {
      let device = try openDevice(device, precision: precision)
      try answer(
        Child.Greeting(
          program: "cka", detail: "\(device.info.id), \(device.info.driver)"))
      let memoryBefore = ProcessMemory.now
      var isFirst = true
      while readLine() != nil {
        let start = ContinuousClock.now
        let outcome = try run(on: device)
        let seconds = start.elapsed
        let stages = outcome.timings.stages
        let run = Child.Run(
          seconds: seconds,
          stages: Child.Stages(
            read: stages.read, transfer: stages.transfer, gram: stages.gram,
            pairs: outcome.timings.pairs),
          peakMemory: ProcessMemory.peak, memoryBefore: memoryBefore)
        if isFirst, let output {
          let cka = outcome.similarity.cka
          try replaceFile(
            NPYWriter.data(shape: [cka.rows, cka.columns], float64: cka.elements), at: output,
            called: output)
        }
        isFirst = false
        try answer(run)
      }
    }
  }

  /// Everything from opening the files to the scores.
  private func run(on device: any Device) throws -> Comparison.Outcome {
    let files = try openModels(models)
    var workload = Workload(of: files, batchSize: batchSize ?? 0)
    if batchSize == nil { workload.method = .unbiased }
    workload.kernel = kernel
    let comparison = try workload.comparison(of: files)
    do throws(DeviceError) { return try comparison.run(on: [device]) } catch {
      throw Failure(.software, "\(device.info.id): \(oneLine(error.description))")
    }
  }

  private func answer(_ value: some Encodable) throws {
    try Console.print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
  }
}

extension Workload.Kernel: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
