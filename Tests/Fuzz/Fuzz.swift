import Foundation

/// The readers of files, one a run, under libFuzzer: `Scripts/test-fuzz.sh`.
///
/// A reader either refuses its input with an error or takes it; a trap, a stray access that
/// AddressSanitizer sees, too much memory or a time-out ends the run.
@main
enum Fuzz {
  /// The reader of this run. Set before libFuzzer begins, and never again.
  nonisolated(unsafe) static var reader: Readers.Reader = { _ in }
  /// The reader's seeds, likewise.
  nonisolated(unsafe) static var seeds: [[UInt8]] = []

  static func main() throws {
    guard let name = getenv("FUZZ_READER").map({ String(cString: $0) }),
      let make = Readers.all[name]
    else {
      print("FUZZ_READER is one of \(Readers.all.keys.sorted().joined(separator: " "))")
      exit(64)
    }
    reader = try make(Scratch())
    try tryWholeFiles("Tests/Fuzz/Seeds/\(name)")
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(
      runDriver(&count, &arguments) { bytes, size in
        // An error is a right answer.
        try? Fuzz.reader(UnsafeRawBufferPointer(start: bytes, count: size))
        return 0
      })
  }

  /// Gives the reader each of its seeds once. It must take them, or what is made of them would never go
  /// further than the first check; those that it once failed on are called `refused-…`.
  private static func tryWholeFiles(_ folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
      seeds.append(Array(bytes))
      do {
        try bytes.withUnsafeBytes { try reader($0) }
      } catch {
        guard !name.hasPrefix("refused-") else { continue }
        print("\(folder)/\(name): refused: \(error)")
        exit(1)
      }
      guard !name.hasPrefix("refused-") else {
        print("\(folder)/\(name): taken, expected an error")
        exit(1)
      }
    }
  }

  typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  @_silgen_name("LLVMFuzzerRunDriver")
  private static func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  ) -> CInt
}

/// A folder for the files that readers are given, in TMPDIR: best in memory.
struct Scratch {
  let path: String

  init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/dev/shm"
    var template = Array("\(parent)/cka-fuzz-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure() }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The path of a file of these bytes.
  @discardableResult
  func write(_ bytes: some Collection<UInt8>, to name: String) throws -> String {
    let target = "\(path)/\(name)"
    let file = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { throw Failure() }
    defer { close(file) }
    let written = Array(bytes).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    guard written == bytes.count else { throw Failure() }
    return target
  }

  /// Copies what is in `Tests/Fuzz/Results/NAME`.
  func copyResults(_ name: String) throws {
    let source = "Tests/Fuzz/Results/\(name)"
    guard let paths = FileManager.default.enumerator(atPath: source) else { throw Failure() }
    for case let path as String in paths {
      if paths.fileAttributes?[.type] as? FileAttributeType == .typeDirectory {
        try FileManager.default.createDirectory(
          atPath: "\(self.path)/\(path)", withIntermediateDirectories: true)
      } else {
        try write(Data(contentsOf: URL(fileURLWithPath: "\(source)/\(path)")), to: path)
      }
    }
  }

  struct Failure: Error {}
}
