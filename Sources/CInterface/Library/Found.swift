import CKA
import CKAHeader
import Device
import ResultFigures
import Results
import Support

/// A result that a caller holds.
final class Found: Sendable {
  let similarity: Similarity
  /// Of a comparison, not of a stream.
  let result: CompareResult?
  private let document: CText?

  init(_ similarity: Similarity, _ result: CompareResult) throws {
    self.similarity = similarity
    self.result = result
    document = CText(String(decoding: try result.document.json, as: UTF8.self))
  }

  init(_ similarity: Similarity) {
    self.similarity = similarity
    (result, document) = (nil, nil)
  }

  /// A matrix by its name.
  func matrix(_ name: String) throws(Failure) -> Matrix<Double> {
    switch name {
    case "cka": return similarity.cka
    case "z":
      guard let z = similarity.z else {
        throw Failure(.usage, "z: only the unbiased estimators have it")
      }
      return z
    default: throw Failure(.usage, "there are no numbers \(oneLine(name)); there are cka, z")
    }
  }

  /// What is written to `result.json`.
  var text: UnsafePointer<CChar> {
    get throws(Failure) {
      guard let document else {
        throw Failure(.usage, "result: the result of a stream has no document")
      }
      return document.start
    }
  }

  /// The result as files.
  var folder: CompareResult {
    get throws(Failure) {
      guard let result else {
        throw Failure(.usage, "result: the result of a stream cannot be written to a folder")
      }
      return result
    }
  }
}

/// The statuses as text that is never freed.
private let statusTexts = Dictionary(
  uniqueKeysWithValues: Status.allCases.map { ($0, CText($0.rawValue)) })

/// See `cka.h`.
@c @implementation
public func cka_result_shape(
  _ result: cka_handle, _ rows: UnsafeMutablePointer<Int64>?,
  _ columns: UnsafeMutablePointer<Int64>?, _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let found: Found = try Handles.all.object(result, "result")
    rows?.pointee = Int64(found.similarity.cka.rows)
    columns?.pointee = Int64(found.similarity.cka.columns)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_numbers(
  _ result: cka_handle, _ name: UnsafePointer<CChar>?, _ numbers: UnsafeMutablePointer<Double>?,
  _ count: Int, _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let found: Found = try Handles.all.object(result, "result")
    let matrix = try found.matrix(text(name, "name"))
    guard count == matrix.elements.count else {
      throw Failure(.usage, "count is \(count), expected \(matrix.rows) × \(matrix.columns)")
    }
    guard let numbers else { throw Failure(.usage, "numbers is NULL") }
    numbers.update(from: matrix.elements, count: count)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_status(
  _ result: cka_handle, _ row: Int64, _ column: Int64, _ error: UnsafeMutablePointer<cka_error>?
) -> UnsafePointer<CChar>? {
  call(error, failed: nil) {
    let found: Found = try Handles.all.object(result, "result")
    let statuses = found.similarity.statuses
    guard let i = Int(exactly: row), let j = Int(exactly: column),
      (0..<statuses.rows).contains(i), (0..<statuses.columns).contains(j)
    else {
      throw Failure(
        .usage, "there is no cell \(row), \(column) among \(statuses.rows) × \(statuses.columns)")
    }
    return statusTexts[statuses[i, j]]?.start
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_document(
  _ result: cka_handle, _ error: UnsafeMutablePointer<cka_error>?
) -> UnsafePointer<CChar>? {
  call(error, failed: nil) {
    let found: Found = try Handles.all.object(result, "result")
    return try found.text
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_write(
  _ result: cka_handle, _ folder: UnsafePointer<CChar>?, _ isReplacing: Int32,
  _ withReport: Int32, _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let found: Found = try Handles.all.object(result, "result")
    let result = try found.folder
    try result.write(
      result.dataFiles, to: text(folder, "folder"), replacing: isReplacing != 0,
      report: withReport != 0)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_close(_ handle: cka_handle, _ error: UnsafeMutablePointer<cka_error>?) -> Int32 {
  code(error) { try Handles.all.close(handle) }
}

private let versionText = CText(toolVersion)

/// See `cka.h`.
@c @implementation
public func cka_version() -> UnsafePointer<CChar> { versionText.start }
