// Inlinable, because maps of a thousand layers are filled element by element in other modules.

/// A dense matrix in row-major order.
public struct Matrix<Scalar: Sendable>: Sendable {
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// rows × columns numbers, row by row.
  public var elements: [Scalar]

  /// A matrix of equal elements.
  @inlinable
  public init(rows: Int, columns: Int, repeating value: Scalar) {
    self.rows = rows
    self.columns = columns
    elements = Array(repeating: value, count: rows * columns)
  }

  /// A matrix of the given elements, row by row.
  @inlinable
  public init(rows: Int, columns: Int, elements: [Scalar]) {
    precondition(elements.count == rows * columns, "the elements do not fill the matrix")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// The element at `row`, `column`, both counted from 0.
  @inlinable
  public subscript(row: Int, column: Int) -> Scalar {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  /// The same shape with `transform` applied to every element.
  @inlinable
  public func map<T>(_ transform: (Scalar) throws -> T) rethrows -> Matrix<T> {
    Matrix<T>(rows: rows, columns: columns, elements: try elements.map(transform))
  }
}

extension Matrix: Equatable where Scalar: Equatable {}
