import Activations
import Analyses
import BLASDevice
import Foundation
import TestSupport
import Testing

/// Components found by block Krylov subspaces.
@Suite struct EigenpairTests {
  /// Activations Σ sⱼ·cⱼeⱼᵀ with the vectors of the discrete cosine transform, which are orthonormal and
  /// orthogonal to 1: their components are s² and c by construction.
  private func planted(_ lengths: [Double], n: Int) -> (LayerActivations, vectors: [[Double]]) {
    let norm = (2 / Double(n)).squareRoot()
    let vectors = lengths.indices.map { (j: Int) -> [Double] in
      let step = Double.pi * Double(j + 1) / Double(n)
      return (0..<n).map { (i: Int) -> Double in norm * cos(step * (Double(i) + 0.5)) }
    }
    let values = (0..<n).flatMap { i in
      zip(lengths, vectors).map { Float($0 * $1[i]) }
    }
    let layer = LayerActivations(
      name: "planted", values: values, scalarType: .float32, exampleCount: n,
      featureAxes: [lengths.count])
    return (layer, vectors)
  }

  @Test(arguments: [600, 257])
  func plantedComponentsAreFound(n: Int) throws {
    // Nine equal ones, more than a block; one that is small; and fewer than are asked for.
    let lengths = [40, 20] + [Double](repeating: 10, count: 9) + [0.5]
    let (layer, vectors) = planted(lengths, n: n)
    let model = ActivationModel(name: "model", layers: [layer])
    let found = try ComponentAnalysis(model, components: 15, removal: nil).run(on: [BLASDevice()])
      .left[0]
    // Float32 activations and matrix: 2⁻²² · λ₁ for each value; gaps are 1,200 and 300.
    let error = 0x1p-22 * 1600
    for (value, length) in zip(found.values, lengths + [0, 0, 0]) {
      #expect(abs(value - length * length) < 2 * error)
    }
    for (index, gap) in [(0, 1200.0), (1, 300), (11, 0.25)] {
      let cosine = (0..<n).reduce(0.0) { $0 + found.vectors[index, $1] * vectors[index][$1] }
      #expect(1 - abs(cosine) < (2 * error / gap) * (2 * error / gap) + 1e-12)
    }
    for i in 0..<15 {
      for j in 0...i {
        let dot = (0..<n).reduce(0.0) { $0 + found.vectors[i, $1] * found.vectors[j, $1] }
        #expect(abs(dot - (i == j ? 1 : 0)) < 1e-12)
      }
    }
  }

  @Test func flatSpectraConverge() throws {
    // The edge of a Marchenko and Pastur spectrum, whose gaps are a hundredth of it.
    let n = 400
    let x = Activations64.normal(n: n, p: 500, seed: 12)
    let model = ActivationModel(name: "model", layers: [x.layer()])
    let found = try ComponentAnalysis(model, components: 10, removal: nil).run(on: [BLASDevice()])
      .left[0]
    let means = (0..<500).map { k in (0..<n).reduce(0) { $0 + x[$1, k] } / Double(n) }
    for index in 0..<10 {
      let u = (0..<n).map { found.vectors[index, $0] }
      // K u = X̃(X̃ᵀu) in float64.
      let weights = (0..<500).map { k in
        (0..<n).reduce(0) { $0 + (x[$1, k] - means[k]) * u[$1] }
      }
      var square = 0.0
      for i in 0..<n {
        let image = (0..<500).reduce(0) { $0 + (x[i, $1] - means[$1]) * weights[$1] }
        square += (image - found.values[index] * u[i]) * (image - found.values[index] * u[i])
      }
      // Where the iteration ends, and the rounding of the float32 matrix, of norm 2⁻²²·‖K‖ at most.
      let bound = 0x1p-22 * (found.values[0] + found.squaredNorm.squareRoot())
      #expect(square.squareRoot() < bound)
    }
  }
}
