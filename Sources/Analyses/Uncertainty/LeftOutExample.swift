import Device
import LinearAlgebra
import Support

/// Products of all pairs of layers without an example that is heavy in one of both, whose matrices are U-centered
/// again entry by entry.
///
/// The closed form would be a difference of nearly equal numbers: an example a million times as large as the
/// others holds all but some 1e-12 of ⟨A, A⟩, but only the square root of that of an entry's digits.
struct LeftOutExample {
  /// The pairs that have such a layer.
  let pairs: [(Int, Int)]
  /// ⟨A₍ₖ₎, A₍ₖ₎⟩ of the layers of these pairs, by their places in the model.
  private(set) var leftSquares: [Int: Double] = [:]
  private(set) var rightSquares: [Int: Double] = [:]
  /// ⟨A₍ₖ₎, B₍ₖ₎⟩, layers × layers; 0 of other pairs.
  private var cross: Matrix<Double>

  init(_ k: Int, _ left: JackknifeMap.Side, _ right: JackknifeMap.Side) {
    let (rows, columns) = (left.totals.indices, right.totals.indices)
    let heavyRows = rows.filter { left.isHeavy(k, inLayer: $0) }
    let otherRows = rows.filter { !left.isHeavy(k, inLayer: $0) }
    let heavyColumns = columns.filter { right.isHeavy(k, inLayer: $0) }
    cross = Matrix(rows: rows.count, columns: columns.count, repeating: 0)
    pairs =
      heavyRows.flatMap { i in columns.map { (i, $0) } }
      + otherRows.flatMap { i in heavyColumns.map { (i, $0) } }
    add(k, left.grams, heavyRows, right.grams, Array(columns))
    add(k, left.grams, otherRows, right.grams, heavyColumns)
  }

  /// CKA of a pair of `pairs`.
  func cosine(_ i: Int, _ j: Int) -> Double {
    PairProducts(
      cross: cross[i, j], left: leftSquares[i] ?? .nan, right: rightSquares[j] ?? .nan
    ).cosine
  }

  private mutating func add(
    _ k: Int, _ left: UCenteredGrams, _ rows: [Int], _ right: UCenteredGrams, _ columns: [Int]
  ) {
    guard !rows.isEmpty, !columns.isEmpty else { return }
    let n = left.exampleCount
    let size = JackknifeMap.rowsAtOnce
    let (leftMeans, rightMeans) = (
      Self.means(of: rows, of: left, k), Self.means(of: columns, of: right, k)
    )
    let blocks = stride(from: 0, to: n, by: size).map { $0..<min($0 + size, n) }
    let parts = concurrentMap(0..<blocks.count) { index in
      let examples = blocks[index]
      let a = Self.centeredRows(examples, of: rows, of: left, k, leftMeans)
      let b = Self.centeredRows(examples, of: columns, of: right, k, rightMeans)
      let length = examples.count * n
      var products = [Double](repeating: 0, count: rows.count * columns.count)
      addProduct(
        rows: rows.count, columns: columns.count, terms: length, a, stride: length,
        isTransposed: false, b, stride: length, isTransposed: true, to: &products,
        stride: columns.count)
      return (
        products: products, left: Self.squares(a, length), right: Self.squares(b, length)
      )
    }
    for part in parts {
      for (a, i) in rows.enumerated() {
        for (b, j) in columns.enumerated() { cross[i, j] += part.products[a * columns.count + b] }
      }
    }
    for (a, i) in rows.enumerated() { leftSquares[i] = parts.reduce(0) { $0 + $1.left[a] } }
    for (b, j) in columns.enumerated() { rightSquares[j] = parts.reduce(0) { $0 + $1.right[b] } }
  }

  /// What U-centering takes from the entries of the others, (mᵢ + mⱼ): n numbers a layer, 0 of example k.
  private static func means(of layers: [Int], of grams: UCenteredGrams, _ k: Int) -> [[Double]] {
    let n = grams.exampleCount
    let own = UnsafeMutablePointer<Double>.allocate(capacity: layers.count * n)
    defer { own.deallocate() }
    grams.copyRows(k..<(k + 1), layers: layers, to: own)
    return zip(layers.indices, grams.rowSums(ofLayers: layers)).map { place, sums in
      var others = sums.indices.map { sums[$0] - own[place * n + $0] }
      others.remove(at: k)
      var means = GramCentering.unbiased.rowMeans(sums: others)
      means.insert(0, at: k)
      return means
    }
  }

  /// Rows of A₍ₖ₎ of some layers: layers × examples × n, 0 where example k is.
  private static func centeredRows(
    _ examples: Range<Int>, of layers: [Int], of grams: UCenteredGrams, _ k: Int,
    _ means: [[Double]]
  ) -> [Double] {
    let n = grams.exampleCount
    return [Double](unsafeUninitializedCapacity: layers.count * examples.count * n) { rows, count in
      count = layers.count * examples.count * n
      guard let start = rows.baseAddress else { return }
      grams.copyRows(examples, layers: layers, to: start)
      for (place, means) in means.enumerated() {
        for (a, i) in examples.enumerated() {
          let row = start + (place * examples.count + a) * n
          if i == k {
            row.update(repeating: 0, count: n)
            continue
          }
          for j in 0..<n { row[j] -= means[i] + means[j] }
          (row[i], row[k]) = (0, 0)
        }
      }
    }
  }

  private static func squares(_ rows: [Double], _ length: Int) -> [Double] {
    stride(from: 0, to: rows.count, by: length).map { start in
      rows[start..<(start + length)].reduce(0) { $0 + $1 * $1 }
    }
  }
}
