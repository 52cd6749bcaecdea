import Activations
import Device

/// Makes parts of an exact plan on one device.
final class ExactPartMaker<D: Device> {
  private let device: D
  private let plan: ExactPlan
  private let left: D.Tiles
  private let right: D.Tiles?
  private let facts: ExactFacts
  /// What no part has told yet.
  private var timings = Comparison.Timings()

  /// Reads all examples once, and makes RBF's passes over the tiles.
  init(
    _ device: D, _ comparison: Comparison, _ plan: ExactPlan, prepared: () -> Void
  ) throws(DeviceError) {
    let clock = ContinuousClock()
    let start = clock.now
    let centering = comparison.estimator.centering
    let (kernel, division) = (comparison.kernel, plan.division)
    func tiles(_ model: any ActivationSource, _ examples: [Int]) throws(DeviceError) -> D.Tiles {
      try device.gramTiles(
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
    timings.gramStacks = (clock.now - start) / .seconds(1)
    self.device = device
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
    let clock = ContinuousClock()
    let start = clock.now
    func stack(_ tiles: D.Tiles, _ layers: [Int]) throws(DeviceError) -> D.Stack? {
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
    let made = clock.now
    timings.gramStacks += (made - start) / .seconds(1)
    defer { timings.pairs += (clock.now - made) / .seconds(1) }

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
    _ group: ExactPlan.FeatureGroup, to part: inout ExactPart
  ) throws(DeviceError) {
    part.isFeatures = true
    let clock = ContinuousClock()
    let start = clock.now
    defer { timings.pairs += (clock.now - start) / .seconds(1) }
    let rows = group.kind == .right ? right ?? left : left
    let columns = group.kind == .left ? left : right ?? left
    let values = try device.featureProducts(rows, columns, pairs: group.pairs)
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
