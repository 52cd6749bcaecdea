import Activations
import Analyses
import BLASDevice
import Device
import LinearAlgebra
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Eigenvalues that are equal, or nearly: which components are the first is arbitrary, and is not said.
@Suite struct ComponentGapTests {
  /// Four balanced classes, as they are, turned, and with noise of 1e-5, which float32 does not tell from
  /// equal eigenvalues: alignment and all that depends on the first direction is arbitrary, the sum of the
  /// first three is not.
  @Test(arguments: [100, 400])
  func equalEigenvaluesHaveNoFirstComponent(n: Int) throws {
    let oneHot = (0..<n).flatMap { i in (0..<4).map { $0 == i % 4 ? 1.0 : 0 } }
    var layers = [Activations64(n: n, p: 4, values: oneHot)]
    let signs: [[Double]] = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    var turned = layers[0]
    turned.values = (0..<n).flatMap { i in (0..<4).map { signs[i % 4][$0] / 2 } }
    let noise = Activations64.normal(n: n, p: 4, seed: 3)
    var noisy = layers[0]
    for index in noisy.values.indices { noisy.values[index] += 1e-5 * noise.values[index] }
    layers += [turned, noisy, .normal(n: n, p: 5, seed: 4)]
    let model = ActivationModel(layers)
    let analysis = try components(
      model, components: 4, removed: [1, 2], removal: .init(controls: 1))
    for outcome in [
      try analysis.run(on: [BLASDevice()]),
      try analysis.runInTiles(on: BLASDevice(), of: DeviceTeam([], memory: 1 << 40), side: 64),
    ] {
      #expect(outcome.left.map(\.firstStatus) == [.degenerate, .degenerate, .degenerate, .ok])
      for layer in 0..<3 {
        #expect(abs(outcome.left[layer].varianceFractions[0] - 1 / 3.0) < 1e-5)
        #expect(outcome.alignment[layer, 3].isNaN && outcome.alignment[0, layer].isNaN)
        for map in outcome.reduced {
          #expect(map.statuses[3, layer] == .degenerate && map.cka[3, layer].isNaN)
          #expect(map.leftStatuses[layer] == .degenerate)
          #expect(map.z?[layer, 3].isNaN ?? false)
        }
        let contributions = try #require(try outcome.contributions(layer, layer))
        let parts = contributions.parts
        #expect(parts[0, 0].isNaN && parts[1, 2].isNaN)
        let remainder = contributions.remainder
        #expect(abs(remainder) < 1e-5)
      }
      #expect(outcome.alignment[3, 3] > 0.999 && outcome.reduced[0].statuses[3, 3] == .ok)
      // The fourth layer alone says who dominates.
      let u = outcome.left[3].vectors.elements.prefix(n)
      #expect(zip(outcome.shares, u).allSatisfy { abs($0 - $1 * $1) < 1e-12 })
    }
    // All three are gone together: nothing is left.
    let all = try components(model, components: 4, removed: [3], removal: .init(controls: 1))
    let nothing = try all.run(on: [BLASDevice()]).reduced[0]
    for layer in 0..<2 { #expect(nothing.statuses[layer, 3] == .lowPrecision) }
    let alone = try components(
      model, components: 4, removed: [1], removal: .init(controls: 1, layer: 0))
    let outcome = try alone.run(on: [BLASDevice()])
    #expect(outcome.shares.isEmpty && outcome.removal.isEmpty)
  }

  /// Between equal eigenvalues and far ones: what has a value is within `tolerance` of that of float64.
  @Test func whatStandsApartEnoughIsKnown() throws {
    let n = 120
    var hits = 0
    for power in 1...7 {
      // Two orthogonal directions over the examples, of variances 1 and 1 − 10⁻ᵏ, and small noise.
      let gap = (0..<power).reduce(1.0) { value, _ in value / 10 }
      let noise = Activations64.normal(n: n, p: 3, seed: UInt64(power))
      var values: [Double] = []
      for i in 0..<n {
        values.append(i % 2 == 0 ? 1 : -1)
        values.append((i / 2 % 2 == 0 ? 1 : -1) * (1 - gap).squareRoot())
        for k in 0..<3 { values.append(0.001 * noise[i, k]) }
      }
      let x = Activations64(n: n, p: 5, values: values.map { Double(Float($0)) })
      let model = ActivationModel(name: "model", layers: [x.layer()])
      let outcome = try components(model).run(on: [BLASDevice()])
      guard outcome.left[0].firstStatus == .ok else { continue }
      hits += 1
      let exact = try SymmetricEigen(centeredGram(x))
      let cosine = (0..<n).reduce(0) { $0 + exact.vectors[0, $1] * outcome.left[0].vectors[0, $1] }
      // Times 2, a half for each of two layers.
      // Rounding may make the cosine a little more than 1.
      #expect(2 * max(1 - cosine * cosine, 0).squareRoot() < ComponentAnalysis.tolerance)
    }
    #expect((2...5).contains(hits))
  }

  private func centeredGram(_ x: Activations64) -> Matrix<Double> {
    let means = (0..<x.p).map { k in (0..<x.n).reduce(0) { $0 + x[$1, k] } / Double(x.n) }
    var gram = Matrix<Double>(rows: x.n, columns: x.n, repeating: 0)
    for i in 0..<x.n {
      for j in 0..<x.n {
        for k in 0..<x.p { gram[i, j] += (x[i, k] - means[k]) * (x[j, k] - means[k]) }
      }
    }
    return gram
  }
}
