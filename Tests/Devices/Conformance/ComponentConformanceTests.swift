import Activations
import Analyses
import CKA
import Device
import TestSupport
import Testing

@Suite struct ComponentConformanceTests {
  /// CKA without the first component is that of the activations X̃ − uuᵀX̃, which the oracle compares; u is
  /// told from another vector by ‖X̃X̃ᵀu − λu‖.
  @Test(arguments: TestedDevice.all)
  func componentsAreTakenOut(of tested: TestedDevice) throws {
    let n = 67
    let x = Activations64.normal(n: n, p: 50, seed: 31, offset: 20)
    let layers = [x, x.mixed(into: .normal(n: n, p: 33, seed: 32), weight: 2)]
    let model = ActivationModel(layers)
    let outcome = try ComponentAnalysis(model, components: 2, removed: [1]).run(on: [tested.device])
    // What is left has more than a third of the norm, and K's entries are off by 2⁻²² of its norm over n.
    let tolerance = 1e-6
    #expect(
      abs(outcome.similarity.cka[1, 0] - Oracle.cka(layers[1], layers[0], unbiased: true))
        < tolerance)
    var without: [Activations64] = []
    for (layer, found) in zip(layers, outcome.left) {
      let (p, u) = (layer.p, Array(found.vectors.elements.prefix(n)))
      let means = (0..<p).map { k in (0..<n).reduce(0) { $0 + layer[$1, k] } / Double(n) }
      let weights = (0..<p).map { k in (0..<n).reduce(0) { $0 + u[$1] * (layer[$1, k] - means[k]) }
      }
      var rest = layer
      var square = 0.0
      for i in 0..<n {
        var image = 0.0
        for k in 0..<p {
          rest.values[i * p + k] = layer[i, k] - means[k] - u[i] * weights[k]
          image += (layer[i, k] - means[k]) * weights[k]
        }
        square += (image - found.values[0] * u[i]) * (image - found.values[0] * u[i])
      }
      #expect(square.squareRoot() < 0x1p-22 * found.squaredNorm.squareRoot())
      without.append(rest)
    }
    let expected = Oracle.cka(without[1], without[0], unbiased: true)
    #expect(abs(outcome.reduced[0].cka[1, 0] - expected) < tolerance)
  }
}
