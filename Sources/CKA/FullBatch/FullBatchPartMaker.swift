import Activations
import Device
import Support

/// Makes parts of an exact plan on one device.
final class FullBatchPartMaker<D: TiledDevice> {
  private let device: D
  private let plan: FullBatchPlan
  private let left: D.TiledInput
  private let right: D.TiledInput?
  private let facts: ExactFacts
  /// ‖XᵀY‖² of pairs of layers, on a device that has them.
  private let norms: Norms

  typealias Norms =
    (_ left: D.TiledInput, _ right: D.TiledInput, _ pairs: [LayerPair]) throws(DeviceError) ->
    [Double]
  /// What no part has told yet.
  private var timings = Comparison.Timings()

  /// Reads all examples once, and makes RBF's passes over the tiles.
  init(
    _ device: D, _ comparison: Comparison, _ plan: FullBatchPlan, norms: @escaping Norms,
    prepared: () -> Void
  ) throws(DeviceError) {
    let start = ContinuousClock.now
    let centering = comparison.estimator.centering
    let (kernel, division) = (comparison.kernel, plan.division)
    func tiles(_ model: any ActivationSource, _ examples: [Int]) throws(DeviceError) -> D.TiledInput
    {
      try device.prepareTiles(
        of: Minibatch(layers: model.layers, examples: examples, meter: comparison.meter),
        kernel: kernel,
        centering: centering, division: division, observe: prepared)
    }
    left = try tiles(comparison.left, comparison.pairing.left)
    timings.stages += left.timings
    let leftFacts = ExactFacts.Model(left, centering: centering)
    if let model = comparison.right {
      let tiles = try tiles(model, comparison.pairing.right)
      timings.stages += tiles.timings
      right = tiles
      facts = ExactFacts(left: leftFacts, right: .init(tiles, centering: centering))
    } else {
      right = nil
      facts = ExactFacts(left: leftFacts, right: leftFacts)
    }
    timings.gramStacks = start.elapsed
    self.device = device
    self.norms = norms
    self.plan = plan
  }

  func part(_ index: Int) throws(DeviceError) -> ExactPart {
    var part = ExactPart(facts: facts, precision: device.info.precision)
    if index < plan.tileCount {
      try addTile(plan.grid[index], to: &part)
    } else {
      try addFeatures(plan.groups[index - plan.tileCount], to: &part)
    }
    part.timings = timings
    timings = Comparison.Timings()
    return part
  }

  private func addTile(
    _ tile: (rows: Range<Int>, columns: Range<Int>), to part: inout ExactPart
  ) throws(DeviceError) {
    let start = ContinuousClock.now
    func stack(_ tiles: D.TiledInput, _ layers: [Int]) throws(DeviceError) -> D.Stack? {
      guard !layers.isEmpty else { return nil }
      let stack = try device.gramStack(
        of: tiles, layers: layers, rows: tile.rows, columns: tile.columns)
      timings.stages += stack.timings
      return stack
    }
    let rows = try stack(left, plan.tiledLeft)
    let columns = try right.flatMap { (right) throws(DeviceError) in
      try stack(right, plan.tiledRight)
    }
    let made = ContinuousClock.now
    timings.gramStacks += (made - start) / .seconds(1)
    defer { timings.pairs += made.elapsed }

    if right == nil, let rows {
      let products = try device.innerProducts(rows, rows)
      for (a, i) in plan.tiledLeft.enumerated() {
        part.left.append((i, products[a, a]))
        for (b, j) in plan.tiledLeft[...a].enumerated() {
          part.cross.append((LayerPair(i, j), products[a, b]))
        }
      }
      return
    }
    if let rows {
      part.left = Array(zip(plan.tiledLeft, try device.squaredNorms(rows)))
    }
    if let columns {
      part.right = Array(zip(plan.tiledRight, try device.squaredNorms(columns)))
    }
    guard let rows, let columns else { return }
    let products = try device.innerProducts(rows, columns)
    for (a, i) in plan.tiledLeft.enumerated() {
      for (b, j) in plan.tiledRight.enumerated() {
        part.cross.append((LayerPair(i, j), products[a, b]))
      }
    }
  }

  private func addFeatures(
    _ group: FullBatchPlan.FeatureGroup, to part: inout ExactPart
  ) throws(DeviceError) {
    part.isFeatures = true
    let start = ContinuousClock.now
    defer { timings.pairs += start.elapsed }
    let rows = group.kind == .right ? right ?? left : left
    let columns = group.kind == .left ? left : right ?? left
    let values = try norms(rows, columns, group.pairs)
    for (pair, value) in zip(group.pairs, values) {
      switch group.kind {
      case .left: part.left.append((pair.left, value))
      case .right: part.right.append((pair.left, value))
      case .cross:
        part.cross.append((pair, value))
        if right == nil, pair.left == pair.right { part.left.append((pair.left, value)) }
      }
    }
  }
}
