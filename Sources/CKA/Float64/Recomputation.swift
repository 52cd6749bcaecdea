import Device
import Support

extension Comparison {
  /// The layers whose values were computed anew in float64, as float32 left too little of them.
  public struct Recomputed: Sendable, Hashable {
    /// Layers of the first model, ascending.
    public var left: [Int]
    /// Of the second model; of one model, the same.
    public var right: [Int]
    /// Cells of the map that were made from float64.
    public var cells: Int
  }

  /// Computes the layers of `similarity` whose rounding errors are too large for float32 anew, in float64 on
  /// the CPU, with all their partners; nil where there are none.
  ///
  /// Both sides of a cell are float64 then, minibatch by minibatch of the same plan. A layer keeps the
  /// status `lowPrecision` where float64's own rounding is too much.
  ///
  /// - Parameter memory: bytes that the process may take.
  func recomputed(
    _ similarity: Similarity, of float32: HSICSums, memory: Int
  ) throws(DeviceError) -> (Similarity, Recomputed?)? {
    func doubtful(_ layers: [HSICSums.Layer], _ statuses: [Status]) -> [Int] {
      let undefined = self.doubtful(statuses)
      return layers.indices.filter { float32.isDoubtful(layers[$0]) || undefined.contains($0) }
    }
    let left = doubtful(float32.left, similarity.leftStatuses)
    let right = doubtful(float32.right, similarity.rightStatuses)
    guard !left.isEmpty || !right.isEmpty else { return nil }
    func partners(_ statuses: [Status], _ doubtful: [Int]) -> [Int] {
      statuses.indices.filter { statuses[$0] == .ok || doubtful.contains($0) }
    }
    let sums = Float64Sums(
      comparison: self, memory: max(memory - ProcessMemory.now - MemoryModel.reserve, 0))
    var blocks: [Float64Sums.Block] = []
    if !left.isEmpty {
      blocks += sums.blocks(rows: left, columns: partners(similarity.rightStatuses, right))
    }
    if self.right != nil, !right.isEmpty {
      let others = partners(similarity.leftStatuses, []).filter { !left.contains($0) }
      blocks += sums.blocks(rows: others, columns: right)
    }
    var map = PatchedMap(
      similarity, left: Set(left), right: Set(right), isOneModel: self.right == nil)
    for block in blocks {
      map.take(
        Similarity(
          try sums.sums(block), centering: estimator.centering,
          varianceInflation: plan.varianceInflation),
        block)
    }
    return (map.similarity, map.recomputed)
  }

  /// Layers of which float64 may know what float32 does not.
  func doubtful(_ statuses: [Status]) -> [Int] {
    statuses.indices.filter { isDoubtful(statuses[$0]) }
  }

  /// Whether float64 may know what float32 does not. RBF's bandwidth, which is 0 where most examples are
  /// equal, may be so in float32 alone.
  private func isDoubtful(_ status: Status) -> Bool {
    status == .lowPrecision || status == .nonFinite && kernel != .linear
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
