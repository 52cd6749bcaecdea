import CKA
import Device

/// The mean and the standard deviation of maps of the same layers, cell by cell.
///
/// Undefined cells, NaN, do not count. The sums are Welford's, with weights: nothing cancels.
public struct MapStatistics: Sendable {
  private var weights: Matrix<Double>
  private var means: Matrix<Double>
  private var squares: Matrix<Double>

  /// Of no map yet.
  ///
  /// - Throws: where a map cannot have so many layers.
  public init(rows: Int, columns: Int) throws(ComparisonError) {
    let (_, isTooMany) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !isTooMany else {
      throw ComparisonError("maps of \(rows) × \(columns) layers: expected at least one")
    }
    weights = Matrix(rows: rows, columns: columns, repeating: 0)
    means = weights
    squares = weights
  }

  /// Adds a map.
  ///
  /// - Throws: where it is of other layers.
  public mutating func add(_ map: Matrix<Double>) throws(ComparisonError) {
    try add(map, weight: 1) { $0 }
  }

  /// Adds the map of two networks of the same layers that come in no order: half of it counts as it is,
  /// half with rows and columns exchanged.
  ///
  /// - Throws: where it is of other layers, or its networks are of different ones.
  public mutating func addSymmetric(_ map: Matrix<Double>) throws(ComparisonError) {
    guard map.rows == map.columns else {
      throw ComparisonError(
        "a map of \(map.rows) × \(map.columns) layers, expected a square map")
    }
    try add(map, weight: 0.5) { $0 }
    try add(map, weight: 0.5) { $0 % map.rows * map.columns + $0 / map.rows }
  }

  private mutating func add(
    _ map: Matrix<Double>, weight: Double, index: (Int) -> Int
  ) throws(ComparisonError) {
    guard map.rows == means.rows, map.columns == means.columns else {
      throw ComparisonError(
        "a map of \(map.rows) × \(map.columns) layers, expected \(means.rows) × \(means.columns)")
    }
    for cell in means.elements.indices {
      let value = map.elements[index(cell)]
      guard !value.isNaN else { continue }
      weights.elements[cell] += weight
      let difference = value - means.elements[cell]
      means.elements[cell] += difference * weight / weights.elements[cell]
      squares.elements[cell] += weight * difference * (value - means.elements[cell])
    }
  }

  /// The means; NaN where no map has a value.
  public var mean: Matrix<Double> {
    var result = means
    for cell in result.elements.indices where weights.elements[cell] == 0 {
      result.elements[cell] = .nan
    }
    return result
  }

  /// The sample standard deviations √(Σ(x − mean)²/(N − 1)) of N maps; NaN where fewer than two have a
  /// value.
  public var standardDeviation: Matrix<Double> {
    var result = squares
    for cell in result.elements.indices {
      let freedom = weights.elements[cell] - 1
      result.elements[cell] = freedom > 0 ? (squares.elements[cell] / freedom).squareRoot() : .nan
    }
    return result
  }
}
