// Inlinable, because maps of a thousand layers are filled element by element in other modules.

/// A dense matrix in row-major order.
public struct Matrix<Scalar: Sendable>: Sendable {
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// rows × columns numbers, row by row.
  public var elements: [Scalar]

  /// A matrix of the given elements, row by row.
  ///
  /// - Throws: where they do not fill it.
  public init(rows: Int, columns: Int, filledWith elements: [Scalar]) throws(MatrixError) {
    let (count, isTooMany) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !isTooMany, elements.count == count else {
      throw MatrixError(
        "\(elements.count) elements, expected those of a matrix of \(rows) × \(columns)")
    }
    self.init(rows: rows, columns: columns, elements: elements)
  }

  /// A matrix of equal elements.
  @inlinable
  package init(rows: Int, columns: Int, repeating value: Scalar) {
    self.rows = rows
    self.columns = columns
    elements = Array(repeating: value, count: rows * columns)
  }

  /// The same, of elements that this repository made to fill it.
  @inlinable
  package init(rows: Int, columns: Int, elements: [Scalar]) {
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

  /// Rows and columns exchanged.
  @inlinable
  public var transposed: Matrix {
    Matrix(
      rows: columns, columns: rows,
      elements: elements.indices.map { elements[$0 % rows * columns + $0 / rows] })
  }

  /// Copies what is below the diagonal of a square matrix to above it.
  @inlinable
  package mutating func mirrorLowerTriangle() {
    precondition(rows == columns, "not square")
    let count = rows
    elements.withUnsafeMutableBufferPointer { elements in
      // In tiles: a column's elements lie a row apart each.
      for top in stride(from: 0, to: count, by: 32) {
        for left in stride(from: 0, through: top, by: 32) {
          for i in top..<Swift.min(top + 32, count) {
            for j in left..<Swift.min(left + 32, i) {
              elements[j * count + i] = elements[i * count + j]
            }
          }
        }
      }
    }
  }
}

extension Matrix: Equatable where Scalar: Equatable {}

/// Elements that do not fill a matrix.
public struct MatrixError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was found and what was expected.
  public let description: String

  init(_ description: String) { self.description = description }
}
