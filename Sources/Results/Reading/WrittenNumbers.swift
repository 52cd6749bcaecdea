import ActivationFiles
import Activations
import Device
import Inputs
import Support

/// The float64 numbers that a command wrote to `path`, if they are of this shape.
func writtenNumbers(at path: String, shape: [Int]) throws -> [Double] {
  try NPYNumbers.float64(at: path, shape: shape)
}

/// The float64 matrix that a command wrote to `path`, if it is one of `rows` × `columns` numbers.
func writtenMatrix(at path: String, rows: Int, columns: Int) throws -> Matrix<Double> {
  Matrix(
    rows: rows, columns: columns, elements: try writtenNumbers(at: path, shape: [rows, columns]))
}

/// A matrix of scores that a command wrote.
package func writtenScores(at path: String, rows: Int, columns: Int) throws -> Matrix<Double> {
  let matrix = try writtenMatrix(at: path, rows: rows, columns: columns)
  try checkScores(matrix.elements, at: path)
  return matrix
}

/// Checks that numbers of a file are scores.
func checkScores(_ values: [Double], at path: String) throws {
  // No CKA is larger than 1, but for rounding.
  if let other = values.first(where: { abs($0) > 1.001 }) {
    throw Failure(.data, "\(oneLine(path)): holds \(other), expected scores of -1 to 1")
  }
}
