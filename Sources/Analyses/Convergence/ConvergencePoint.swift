import Device

extension Convergence.Point {
  /// The errors of `estimates`, one a repeat, against `exact`.
  ///
  /// - Parameter isOneModel: whether rows and columns are the same layers.
  init(
    batchSize: Int, passes: Int, minibatches: Int, estimates: [Matrix<Double>],
    exact: Matrix<Double>, isOneModel: Bool
  ) {
    let (rows, columns) = (exact.rows, exact.columns)
    var roots = Matrix<Double>(rows: rows, columns: columns, repeating: .nan)
    var sums = estimates.map { _ in (absolute: 0.0, signed: 0.0) }
    var errors: [Double] = []
    var (pairs, undefined, withoutExact) = (0, 0, 0)
    for i in 0..<rows {
      for j in 0..<columns {
        guard !exact[i, j].isNaN else {
          if !isOneModel || j < i { withoutExact += 1 }
          continue
        }
        let deviations = estimates.map { $0[i, j] - exact[i, j] }
        // A sum over NaN is NaN.
        let squares = deviations.reduce(0) { $0 + $1 * $1 }
        roots[i, j] = (squares / Double(deviations.count)).squareRoot()
        if isOneModel, j >= i { continue }
        guard !squares.isNaN else {
          undefined += 1
          continue
        }
        pairs += 1
        for (index, deviation) in deviations.enumerated() {
          sums[index].absolute += abs(deviation)
          sums[index].signed += deviation
          errors.append(abs(deviation))
        }
      }
    }
    errors.sort()
    // The smallest error that 95 of 100 do not exceed.
    let rank = (errors.count * 95 + 99) / 100
    self.init(
      batchSize: batchSize, passes: passes, minibatches: minibatches, pairs: pairs,
      undefinedPairs: undefined, pairsWithoutExact: withoutExact,
      meanErrors: sums.map { $0.absolute / Double(pairs) },
      percentile95: rank > 0 ? errors[rank - 1] : .nan, largest: errors.last ?? .nan,
      meanDeviations: sums.map { $0.signed / Double(pairs) }, rootMeanSquares: roots)
  }
}
