import CKA
import Device

/// Null maps without further blocks, made by randomizing a map.
///
/// The null hypothesis: from layer to layer the representation moves by steps that come in no
/// particular order; similarity falls with the way between two layers; residuals of layers of equal
/// parity are exchangeable, which keeps the checkerboard of residual blocks. A map of the null
/// takes the steps in a random order, and adds what decay leaves of the map with odd layers, and
/// even layers, in a random order each. Blocks found before stay where they are.
///
/// Neighbors that are alike, similarity that decays, networks that move faster in some places than in
/// others, and layers that are unlike all others, have no block by this.
struct BlockBaseline {
  private let scan: BlockScan
  private let steps: [Double]
  private let decay: SimilarityDecay
  /// Residuals of the decay; 0 for pairs that do not count.
  private let rest: Matrix<Double>
  private let freeSteps: [Int]
  /// Layers outside of blocks, by even and odd places.
  private let freeLayers: [[Int]]
  private let seed: UInt64

  init(of map: Matrix<Double>, _ scan: BlockScan, seed: UInt64) {
    self.scan = scan
    self.seed = seed
    steps = LayerSteps(of: map, scan).lengths
    let places = Self.places(steps)
    decay = SimilarityDecay(of: map, places: places, counts: scan.counts)
    var rest = Matrix<Double>(rows: map.rows, columns: map.rows, repeating: 0)
    for i in 0..<map.rows {
      for j in 0..<i where scan.counts(i, j) {
        rest[i, j] = map[i, j] - decay(places[i] - places[j])
        rest[j, i] = rest[i, j]
      }
    }
    self.rest = rest
    freeSteps = steps.indices.filter { scan.counts($0 + 1, $0) }
    let free = scan.isFree.indices.filter { scan.isFree[$0] }
    freeLayers = [0, 1].map { parity in free.filter { $0 % 2 == parity } }
  }

  /// Map number `index` of the null: what is below the diagonal.
  func map(_ index: Int) -> Matrix<Double> {
    var steps = steps
    var layers = Array(0..<rest.rows)
    // Three shuffles a map, each of its own.
    shuffle(&steps, at: freeSteps, pass: 3 * index)
    for (parity, free) in freeLayers.enumerated() {
      shuffle(&layers, at: free, pass: 3 * index + 1 + parity)
    }
    let places = Self.places(steps)
    var map = Matrix<Double>(rows: rest.rows, columns: rest.rows, repeating: 0)
    for i in layers.indices {
      let row = layers[i] * rest.columns
      for j in 0..<i {
        map[i, j] = decay(places[i] - places[j]) + rest.elements[row + layers[j]]
      }
    }
    return map
  }

  private func shuffle<T>(_ values: inout [T], at places: [Int], pass: Int) {
    let order = MinibatchPlan.permutation(of: places.count, seed: seed, pass: pass)
    let old = values
    for (place, other) in zip(places, order) { values[place] = old[places[other]] }
  }

  private static func places(_ steps: [Double]) -> [Double] {
    steps.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  }
}
