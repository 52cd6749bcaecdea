import Glibc

/// The readers of files, one a run, under libFuzzer: `Scripts/test-fuzz.sh`.
///
/// A reader either refuses its input with an error or takes it; a trap, a stray access that
/// AddressSanitizer sees, too much memory or a time-out ends the run.
@main
enum Fuzz {
  /// The reader of this run. Set before libFuzzer begins, and never again.
  nonisolated(unsafe) static var reader: (UnsafeRawBufferPointer) throws -> Void = { _ in }

  static func main() throws {
    guard let name = getenv("FUZZ_READER").map({ String(cString: $0) }),
      let make = Readers.all[name]
    else {
      print("FUZZ_READER is one of \(Readers.all.keys.sorted().joined(separator: " "))")
      exit(64)
    }
    reader = try make(Scratch())
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(
      runDriver(&count, &arguments) { bytes, size in
        // An error is a right answer.
        try? Fuzz.reader(UnsafeRawBufferPointer(start: bytes, count: size))
        return 0
      })
  }

  typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  @_silgen_name("LLVMFuzzerRunDriver")
  private static func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  ) -> CInt
}

/// A folder in memory for the files that readers are given.
struct Scratch {
  let path: String

  init() throws {
    var template = Array("/dev/shm/cka-fuzz-XXXXXX".utf8CString)
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

  func makeFolder(_ name: String) throws {
    guard mkdir("\(path)/\(name)", 0o700) == 0 else { throw Failure() }
  }

  struct Failure: Error {}
}
