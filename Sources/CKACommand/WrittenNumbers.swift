import ActivationFiles
import Activations
import CommandSupport
import Device

/// The float64 matrix that a command wrote to `path`, if it is one of `rows` × `columns` numbers.
func writtenMatrix(at path: String, rows: Int, columns: Int) throws -> Matrix<Double> {
  guard let layer = try openModel(path).layers.first, layer.scalarType == .float64,
    layer.shape == LayerShape(exampleCount: rows, featureAxes: [columns])
  else {
    throw Failure(.data, "\(oneLine(path)): expected \(rows) × \(columns) float64 numbers")
  }
  let elements = try (0..<rows).flatMap { row in
    let (start, stride) = try layer.row(row)
    return (0..<columns).map { column in
      let bits = start.loadUnaligned(fromByteOffset: column * stride, as: UInt64.self)
      return Double(bitPattern: layer.isByteSwapped ? bits.byteSwapped : bits)
    }
  }
  return Matrix(rows: rows, columns: columns, elements: elements)
}

/// A matrix of scores that a command wrote.
func writtenScores(at path: String, rows: Int, columns: Int) throws -> Matrix<Double> {
  let matrix = try writtenMatrix(at: path, rows: rows, columns: columns)
  // No CKA is larger than 1, but for rounding.
  if let other = matrix.elements.first(where: { abs($0) > 1.001 }) {
    throw Failure(.data, "\(oneLine(path)): holds \(other), expected scores of -1 to 1")
  }
  return matrix
}

extension ResultDocument {
  /// The scores of the result in a folder.
  func scores(in folder: String) throws -> Matrix<Double> {
    try writtenScores(
      at: "\(folder)/cka.npy", rows: models[0].layers.count,
      columns: (models.last ?? models[0]).layers.count)
  }
}
