import ActivationFiles
import CKA
import Device
import Figures
import ResultFigures
import Results
import Support
import Synchronization

/// A result that a caller holds: the files that the command of the analysis writes, each made when it is asked for, or
/// with all that hold numbers.
final class Found: Sendable {
  /// Of the cells of the map, where the result has one.
  let statuses: Matrix<Status>?
  /// What was found.
  let result: any DrawableResult
  /// Where it lies, if it was opened.
  let folder: String?
  private let makers: [FileMaker]
  private let made = Mutex(Made())

  private struct Made {
    /// The names of all files, once they are known.
    var names: [CText]?
    var files: [String: CBytes] = [:]
    var arrays: [String: CArray] = [:]
  }

  /// A result, and what makes its numbers, tables and documents.
  init(
    _ result: any DrawableResult, _ makers: [FileMaker], statuses: Matrix<Status>? = nil,
    folder: String? = nil
  ) {
    self.result = result
    self.makers = makers
    self.statuses = statuses
    self.folder = folder
  }

  /// Writes the folder that the command writes.
  func write(to folder: String, replacing: Bool, report: Bool) throws {
    guard let result = result as? any DrawableResult & FolderResult else {
      throw Failure(
        .usage, "result: that of a sweep is in its store already, \(oneLine(self.folder ?? ""))")
    }
    try result.write(makers, to: folder, replacing: replacing, report: report)
  }

  var fileCount: Int { get throws { try made.withLock { made -> Int in try names(&made).count } } }

  func name(ofFile place: Int64) throws -> UnsafePointer<CChar> {
    let names = try made.withLock { made -> [CText] in try self.names(&made) }
    guard let place = Int(exactly: place), names.indices.contains(place) else {
      throw Failure(.usage, "there is no file \(place) among \(names.count)")
    }
    return names[place].start
  }

  /// The bytes of a file.
  func file(_ name: String) throws -> CBytes {
    try made.withLock { made -> CBytes in
      let names = try self.names(&made).map { String(cString: $0.start) }
      if let file = made.files[name] { return file }
      guard names.contains(name) else {
        throw Failure(
          .usage, "there is no file \(oneLine(name)); there are \(names.joined(separator: ", "))")
      }
      let file = CBytes(name == Self.page ? try result.report().bytes() : try picture(name))
      made.files[name] = file
      return file
    }
  }

  /// The numbers of a file.
  func array(_ name: String) throws -> CArray {
    if let array = made.withLock({ $0.arrays[name] }) { return array }
    let end = ".npy"
    let all = try made.withLock { made -> [String] in
      _ = try names(&made)
      return made.files.keys.filter { $0.hasSuffix(end) }.map { String($0.dropLast(end.count)) }
    }
    guard all.contains(name) else {
      throw Failure(
        .usage,
        "there are no numbers \(oneLine(name)); there are \(all.sorted().joined(separator: ", "))")
    }
    let bytes = try file(name + end).bytes
    let (shape, numbers) = try NPYNumbers.float64(in: Array(bytes), called: name + end)
    let array = CArray(shape: shape, numbers)
    made.withLock { $0.arrays[name] = array }
    return array
  }

  private static let page = "report.html"

  /// Makes all files but pictures and the page, and names all.
  private func names(_ made: inout Made) throws -> [CText] {
    if let names = made.names { return names }
    let files = try concurrentMap(makers) { try $0() }
    for file in files { made.files[file.name] = CBytes(file.bytes) }
    let pictures = try result.figures().flatMap { figure in
      FigureFormat.allCases.map { figure.file($0) }
    }
    let names = (files.map(\.name) + pictures + [Self.page]).map { CText($0) }
    made.names = names
    return names
  }

  private func picture(_ name: String) throws -> [UInt8] {
    for figure in try result.figures() {
      for format in FigureFormat.allCases where figure.file(format) == name {
        return try figure.figure.data(format)
      }
    }
    return []
  }
}

/// Bytes for a caller, as long as this lives; a zero byte follows them.
final class CBytes: Sendable {
  nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

  init(_ bytes: [UInt8]) {
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 64)
    room.copyBytes(from: bytes)
    room[bytes.count] = 0
    self.bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<bytes.count])
  }

  deinit { bytes.deallocate() }
}

/// Numbers for a caller, as long as this lives.
final class CArray: Sendable {
  nonisolated(unsafe) let numbers: UnsafeMutableBufferPointer<Double>
  nonisolated(unsafe) let shape: UnsafeMutableBufferPointer<Int64>

  init(shape: [Int], _ numbers: [Double]) {
    self.numbers = .allocate(capacity: numbers.count)
    _ = self.numbers.initialize(from: numbers)
    self.shape = .allocate(capacity: shape.count)
    _ = self.shape.initialize(from: shape.map(Int64.init))
  }

  deinit {
    numbers.deallocate()
    shape.deallocate()
  }
}
