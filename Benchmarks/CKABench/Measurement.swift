import Activations
import CKA
import CommandSupport
import Device
import Foundation

/// One device's runs.
struct Measurement {
  private let device: any Device
  private let comparison: Comparison
  private var runs: [(wall: Double, timings: Comparison.Timings)] = []

  init(device: any Device, comparison: Comparison) {
    self.device = device
    self.comparison = comparison
  }

  /// Does the comparison once more.
  mutating func measure(isCounted: Bool) throws {
    let start = ContinuousClock.now
    let outcome: Comparison.Outcome
    do throws(DeviceError) { outcome = try comparison.run(on: [device]) } catch {
      throw Failure(.software, "\(device.info.id): \(error)")
    }
    if isCounted { runs.append(((.now - start) / .seconds(1), outcome.timings)) }
  }

  /// Medians, stage by stage.
  func row(peak: Peak) throws -> Report.Row {
    func median(_ value: (Comparison.Timings) -> Double) -> Double {
      Measurement.median(runs.map { value($0.timings) })
    }
    let walls = runs.map(\.wall)
    let wall = Measurement.median(walls)
    let gigaflops = flops / wall / 1e9
    return Report.Row(
      device: device.info, wall: wall, leastWall: walls.min() ?? wall, mostWall: walls.max() ?? wall,
      read: median(\.stages.read), transfer: median(\.stages.transfer),
      gram: median(\.stages.gram), pairs: median(\.pairs), gigaflops: gigaflops,
      fractionOfPeak: gigaflops / peak.gigaflops, error: try largestError())
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Useful floating point operations: each entry of the lower triangles of all Gram matrices, and
  /// all layer pairs, once.
  private var flops: Double {
    let layers = comparison.left.layers + (comparison.right?.layers ?? [])
    let features = layers.reduce(0.0) { $0 + Double($1.featureCount) }
    return comparison.plan.batches.reduce(0) { sum, batch in
      let b = Double(batch.count)
      let rows = Double(comparison.left.layers.count)
      let pairs = comparison.right.map { rows * Double($0.layers.count) } ?? rows * (rows + 1) / 2
      return sum + b * (b + 1) * features + pairs * b * (b - 1)
    }
  }

  /// The largest difference of CKA from float64, among the first layers of the first model in the
  /// first minibatch; nil where their numbers are not floating.
  private func largestError() throws -> Double? {
    let layers = Array(comparison.left.layers.prefix(3))
    let examples = (comparison.plan.batches.first ?? []).sorted()
    let references = layers.compactMap { Reference.Layer($0, examples: examples) }
    guard references.count == layers.count else { return nil }
    let expected = Reference.cka(references, kernel: .linear, centering: .unbiased)
    let found: [Double]
    do throws(DeviceError) { found = try scores(layers, examples, on: device) } catch {
      throw Failure(.software, "\(device.info.id): \(error)")
    }
    return zip(expected.elements, found).map { abs($0 - $1) }.max()
  }

  private func scores(
    _ layers: [LayerActivations], _ examples: [Int], on device: some Device
  ) throws(DeviceError) -> [Double] {
    let stack = try device.gramStack(
      of: Minibatch(layers: layers, examples: examples), kernel: .linear, centering: .unbiased)
    let products = try device.innerProducts(stack, stack)
    return layers.indices.flatMap { i in
      layers.indices.map { products[i, $0] / (products[i, i] * products[$0, $0]).squareRoot() }
    }
  }
}
