import Activations
import Device

extension WorkMeter {
  /// Recomputes in float64 the layers that float32 cannot resolve.
  public func beginFloat64(_ flops: Double) { begin(flops, as: "float64 recomputation") }
}

extension Comparison {
  /// The layers whose values were computed anew in float64, as float32 left too little of them.
  public struct Recomputed: Sendable, Hashable {
    /// Layers of the first model, ascending.
    public var left: [Int]
    /// Of the second model; of one model, the same.
    public var right: [Int]
    /// Cells of the map that were made from float64.
    public var cells: Int

    /// See the properties.
    public init(left: [Int], right: [Int], cells: Int) {
      (self.left, self.right, self.cells) = (left, right, cells)
    }
  }

  /// Sums of the first so many of the plan's minibatches.
  struct Point {
    let minibatches: Int
    let sums: HSICSums
  }

  /// The similarities at `points`, with the layers whose rounding errors are too large for float32 at any of
  /// them computed anew in float64 on the CPU, with all their partners; what was is nil where nothing was.
  ///
  /// Both sides of a cell are float64 then, minibatch by minibatch of the same plan. A layer keeps the
  /// status `lowPrecision` where float64's own rounding is too much.
  ///
  /// - Parameters:
  ///   - points: by ascending numbers of minibatches.
  ///   - device: what made the sums.
  ///   - memory: bytes that the process may take.
  func similarities(
    _ points: [Point], on device: DeviceInfo, memory: Int
  ) throws(DeviceError) -> [(similarity: Similarity, recomputed: Recomputed?)] {
    let similarities = points.map {
      Similarity(
        $0.sums, centering: estimator.centering, varianceInflation: plan.varianceInflation)
    }
    func doubtful(_ layers: KeyPath<HSICSums, [HSICSums.Layer]>) -> [Int] {
      points.reduce(into: Set()) {
        $0.formUnion($1.sums.doubtful($1.sums[keyPath: layers], kernel))
      }.sorted()
    }
    let (left, right) = (doubtful(\.left), doubtful(\.right))
    guard !left.isEmpty || !right.isEmpty else { return similarities.map { ($0, nil) } }
    func partners(_ statuses: KeyPath<Similarity, [Status]>, _ doubtful: [Int]) -> [Int] {
      similarities.reduce(into: Set(doubtful)) { found, similarity in
        let statuses = similarity[keyPath: statuses]
        found.formUnion(statuses.indices.filter { statuses[$0] == .ok })
      }.sorted()
    }
    let model = MemoryModel(work: FullBatchWork(self), base: MemoryModel.base(of: device))
    let sums = Float64Sums(comparison: self, memory: model.room(within: memory))
    var blocks: [Float64Sums.Block] = []
    if !left.isEmpty {
      blocks += sums.blocks(rows: left, columns: partners(\.rightStatuses, right))
    }
    if self.right != nil, !right.isEmpty {
      let others = partners(\.leftStatuses, []).filter { !left.contains($0) }
      blocks += sums.blocks(rows: others, columns: right)
    }
    var maps = similarities.map {
      PatchedMap($0, left: Set(left), right: Set(right), isOneModel: self.right == nil)
    }
    let most = points.last?.minibatches ?? 0
    meter?.beginFloat64(blocks.reduce(0) { $0 + sums.flops($1, minibatches: most) })
    defer { meter?.end() }
    for block in blocks {
      for (place, part) in try sums.sums(block, points: points.map(\.minibatches)).enumerated() {
        maps[place].take(
          Similarity(
            part, centering: estimator.centering, varianceInflation: plan.varianceInflation),
          block)
      }
    }
    return zip(maps, similarities).map { map, similarity in
      map.recomputed.map { (map.similarity, $0) } ?? (similarity, nil)
    }
  }

}

extension HSICSums {
  /// Those of `layers` of which float32 leaves too little, and float64 may know more. RBF's bandwidth, which is
  /// 0 where most examples are equal, may be so in float32 alone.
  package func doubtful(_ layers: [Layer], _ kernel: GramKernel) -> [Int] {
    layers.indices.filter {
      let status = status(of: layers[$0])
      return isDoubtful(layers[$0]) || status == .lowPrecision
        || status == .nonFinite && kernel != .linear
    }
  }

  /// The layers whose matrices of one minibatch are to be made in float64, where matrices are kept, and not
  /// sums over all minibatches.
  ///
  /// The rule is that for sums, with the errors of this minibatch in place of the mean over all: where none is
  /// above the limit, the mean is not. So what is made in float64 does not depend on what else is known, and is
  /// the same in any share of a plan.
  ///
  /// - Parameters:
  ///   - layers: the matrices as a device made them.
  ///   - squares: ⟨K, K⟩ of each.
  ///   - plan: all minibatches, whose matrices are one vector of `dimension` numbers.
  public static func doubtfulLayers(
    _ layers: [GramSummary], squares: [Double], exampleCount: Int, centering: GramCentering,
    precision: Precision, plan: MinibatchPlan, kernel: GramKernel
  ) -> [Int] {
    var sums = HSICSums(
      exampleCount: exampleCount, centering: centering, left: layers, right: [],
      products: Matrix(rows: layers.count, columns: 0, repeating: 0), leftSquares: squares,
      rightSquares: [], precision: precision)
    sums.dimension = plan.dimension(centering)
    return sums.doubtful(sums.left, kernel)
  }
}

extension MinibatchPlan {
  /// The dimensions of the spaces of all minibatches' centered Gram matrices, together.
  fileprivate func dimension(_ centering: GramCentering) -> Double {
    (0..<batches.perPass).reduce(0) {
      $0 + HSICSums.dimension(exampleCount: batches.size(of: $1), centering)
    } * Double(passes)
  }
}

/// A map some of whose layers are made anew.
private struct PatchedMap {
  private let old: Similarity
  private let left: Set<Int>
  private let right: Set<Int>
  private let isOneModel: Bool
  private var cka: Matrix<Double>
  private var z: Matrix<Double>?
  private var leftStatuses: [Status]
  private var rightStatuses: [Status]
  private var leftSigmas: [Double?]
  private var rightSigmas: [Double?]
  /// Those that were made anew, row by row.
  private var cells: Set<Int> = []

  init(_ similarity: Similarity, left: Set<Int>, right: Set<Int>, isOneModel: Bool) {
    old = similarity
    (self.left, self.right, self.isOneModel) = (left, right, isOneModel)
    (cka, z) = (similarity.cka, similarity.z)
    (leftStatuses, rightStatuses) = (similarity.leftStatuses, similarity.rightStatuses)
    (leftSigmas, rightSigmas) = (similarity.leftSigmas, similarity.rightSigmas)
  }

  mutating func take(_ part: Similarity, _ block: Float64Sums.Block) {
    for (a, i) in block.rows.enumerated() where left.contains(i) {
      leftStatuses[i] = part.leftStatuses[a]
      leftSigmas[i] = part.leftSigmas[a]
      if isOneModel { (rightStatuses[i], rightSigmas[i]) = (leftStatuses[i], leftSigmas[i]) }
    }
    for (b, j) in block.columns.enumerated() where !isOneModel && right.contains(j) {
      rightStatuses[j] = part.rightStatuses[b]
      rightSigmas[j] = part.rightSigmas[b]
    }
    for (a, i) in block.rows.enumerated() {
      for (b, j) in block.columns.enumerated() {
        for (row, column) in isOneModel ? [(i, j), (j, i)] : [(i, j)] {
          cka[row, column] = part.cka[a, b]
          if let value = part.z { z?[row, column] = value[a, b] }
          cells.insert(row * cka.columns + column)
        }
      }
    }
  }

  /// The layers that have values now; nil where float64 knew no more than float32.
  var recomputed: Comparison.Recomputed? {
    let rows = left.filter { leftStatuses[$0] == .ok }.sorted()
    let columns = right.filter { rightStatuses[$0] == .ok }.sorted()
    guard !rows.isEmpty || !columns.isEmpty else { return nil }
    return .init(left: rows, right: columns, cells: cells.filter { !cka.elements[$0].isNaN }.count)
  }

  var similarity: Similarity {
    var statuses = old.statuses
    for i in leftStatuses.indices {
      for j in rightStatuses.indices {
        statuses[i, j] = .ofCell(leftStatuses[i], rightStatuses[j])
      }
    }
    return Similarity(
      cka: cka, statuses: statuses, leftStatuses: leftStatuses, rightStatuses: rightStatuses, z: z,
      leftSigmas: leftSigmas, rightSigmas: rightSigmas)
  }
}
