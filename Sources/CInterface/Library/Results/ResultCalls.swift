import CKA
import CKAHeader
import Device
import ResultFigures
import Results
import Support

/// The statuses as text that is never freed.
private let statusTexts = Dictionary(
  uniqueKeysWithValues: Status.allCases.map { ($0, CText($0.rawValue)) })

extension Found {
  /// What lies in a folder.
  convenience init(in folder: String) throws {
    let result = try readResult(in: folder)
    let makers =
      switch result {
      case let sweep as SweepResult: sweep.dataFiles
      case let result as any FolderResult: try type(of: result).dataFiles(in: folder)
      default: [FileMaker]()
      }
    self.init(
      result, makers, statuses: (result as? CompareResult)?.statuses, folder: folder)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_open(
  _ folder: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) { Handles.all.add(try Found(in: text(folder, "folder"))) }
}

/// See `cka.h`.
@c @implementation
public func cka_result_files(
  _ result: cka_handle, _ error: UnsafeMutablePointer<cka_error>?
) -> Int64 {
  call(error, failed: -1) {
    let found: Found = try Handles.all.object(result, "result")
    return Int64(try found.fileCount)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_file_name(
  _ result: cka_handle, _ file: Int64, _ error: UnsafeMutablePointer<cka_error>?
) -> UnsafePointer<CChar>? {
  call(error, failed: nil) {
    let found: Found = try Handles.all.object(result, "result")
    return try found.name(ofFile: file)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_file(
  _ result: cka_handle, _ name: UnsafePointer<CChar>?, _ size: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> UnsafeRawPointer? {
  call(error, failed: nil) {
    let found: Found = try Handles.all.object(result, "result")
    let bytes = try found.file(text(name, "name")).bytes
    size?.pointee = bytes.count
    return bytes.baseAddress
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_array(
  _ result: cka_handle, _ name: UnsafePointer<CChar>?, _ array: UnsafeMutablePointer<cka_array>?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let found: Found = try Handles.all.object(result, "result")
    let name = try text(name, "name")
    guard let array else { throw Failure(.usage, "array is NULL") }
    let own = try found.array(name)
    array.pointee = cka_array(
      data: UnsafeRawPointer(own.numbers.baseAddress),
      shape: UnsafePointer(own.shape.baseAddress), axes: own.shape.count, type: CKA_FLOAT64,
      is_fortran_order: 0)
  }
}

/// See `cka.h`.
@c @implementation
public func cka_result_status(
  _ result: cka_handle, _ row: Int64, _ column: Int64, _ error: UnsafeMutablePointer<cka_error>?
) -> UnsafePointer<CChar>? {
  call(error, failed: nil) {
    let found: Found = try Handles.all.object(result, "result")
    guard let statuses = found.statuses else {
      throw Failure(.usage, "result: has no map whose cells have statuses")
    }
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
public func cka_result_write(
  _ result: cka_handle, _ folder: UnsafePointer<CChar>?, _ isReplacing: Int32,
  _ withReport: Int32, _ error: UnsafeMutablePointer<cka_error>?
) -> Int32 {
  code(error) {
    let found: Found = try Handles.all.object(result, "result")
    try found.write(
      to: text(folder, "folder"), replacing: isReplacing != 0, report: withReport != 0)
  }
}
