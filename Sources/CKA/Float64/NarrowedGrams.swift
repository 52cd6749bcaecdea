import Activations
import Device

extension GramSummary {
  /// Rounds the packed numbers of a matrix that was centered in float64 to float32, divided by a power of two
  /// that makes its norm at most 1. That is 2⁻²⁴ of what is left, not of what centering took away.
  ///
  /// - Returns: the summary of what is written.
  func narrowed(
    _ numbers: UnsafePointer<Double>, count: Int, to destination: UnsafeMutablePointer<Float>
  ) -> GramSummary {
    let norm = dot(numbers, numbers, count).squareRoot()
    let own = norm > 0 ? Int(norm.exponent) + 1 : 0
    let scale = Double(sign: .plus, exponent: -own, significand: 1)
    for index in 0..<count { destination[index] = Float(numbers[index] * scale) }
    var result = self
    result.exponent += own
    result.roundingNorm = (roundingNorm + RoundingModel.unitRoundoff * norm) * scale
    return result
  }
}

extension CenteredGrams {
  /// Makes some layers anew in float64, and rounds what centering leaves of them.
  func makeAnew(
    _ chosen: [Int], of minibatch: Minibatch, kernel: GramKernel
  ) throws(DeviceError) {
    guard !chosen.isEmpty else { return }
    let n = minibatch.exampleCount
    let workspace = Float64Workspace(side: n)
    let count = GramCentering.unbiased.packedCount(exampleCount: n)
    let numbers = UnsafeMutablePointer<Double>.allocate(capacity: count)
    defer { numbers.deallocate() }
    do throws(ActivationReadError) {
      for layer in chosen {
        let gram = try Float64Gram(
          of: minibatch.layers[layer], examples: minibatch.examples, kernel: kernel,
          centering: .unbiased, grid: TileGrid(exampleCount: n, side: n), in: workspace)
        try gram.write(tile: 0, to: numbers, in: workspace)
        take(gram.summary, numbers, asLayer: layer)
      }
    } catch { throw DeviceError(error) }
  }
}
