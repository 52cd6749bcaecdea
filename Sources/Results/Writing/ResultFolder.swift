import Activations
import CSystem
import Glibc
import Support

/// Writes a result folder atomically: to a temporary name, then renamed.
public struct ResultFolder {
  /// As the user gave it, without a slash at the end.
  public let path: String
  private let kind: Kind
  private let isReplacing: Bool
  private let parent: String
  private let name: String
  private let warn: (String) -> Void

  /// What a folder of one kind of results holds.
  public struct Kind: Sendable {
    /// The command that writes it.
    public let command: String
    /// The file that says what the folder is: JSON with a `format`.
    let document: String
    /// What the format begins with.
    let formatFamily: String
    /// All files that the command, or `plot`, may have written there.
    let names: Set<String>

    /// What the command that writes `Document` writes beside it: files called `names`, pictures called
    /// `figures`, and a page.
    init<Document: StoredDocument>(
      _: Document.Type, names: [String], figures: [String]
    ) {
      command = Document.command
      document = Document.name
      formatFamily = Document.formatFamily
      self.names = Set(
        [Document.name, ResultNames.page] + names + figures.flatMap(ResultNames.pictures))
    }

    /// What the folder is called unless somebody names it.
    public var defaultFolder: String { command == "compare" ? "cka-result" : "cka-\(command)" }

    /// Whether a file of this name was written by the command, including leftovers of a killed
    /// process.
    func mayHold(_ name: String) -> Bool {
      names.contains(name) || WrittenAside.isPart(name, ofOneOf: names)
    }

    /// What reads the numbers, tables and documents of the result in a folder: all but pictures and the page.
    ///
    /// - Throws: where it cannot be determined which are there.
    func dataFiles(in folder: String) throws -> [FileMaker] {
      try names.sorted().filter { name in
        try name != ResultNames.page && !ResultNames.pictures.contains { name.hasSuffix(".\($0)") }
          && isThere("\(folder)/\(name)")
      }.map { name in reading(name, in: folder) }
    }

    /// Whether the folder at `path` holds such a result. Throws if that cannot be determined.
    func isHeld(by path: String) throws -> Bool {
      do {
        return try documentFormat(at: "\(path)/\(document)")?.hasPrefix(formatFamily) ?? false
      } catch let failure as Failure where failure.code == .noInput {
        return false
      }
    }

    /// Of every command that writes one folder.
    static let all = [
      CompareResult.kind, ConvergeResult.kind, ComponentsResult.kind, BlocksResult.kind,
      UncertaintyResult.kind, ProbeResult.kind, ErrorAgreementResult.kind,
    ]
  }

  /// Checks that a result may be written to `path`, so that no work is lost at the end. The check
  /// leaves nothing behind.
  ///
  /// - Parameters:
  ///   - replacing: whether a result that is there is replaced.
  ///   - warn: is told of files in it that cka did not write.
  package init(
    _ path: String, of kind: Kind, replacing: Bool, warn: @escaping (String) -> Void = { _ in }
  ) throws {
    self.kind = kind
    self.warn = warn
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    isReplacing = replacing
    // A symbolic link is kept; the folder it points to is replaced.
    let isLink = fileType(path, following: false) == S_IFLNK
    guard let resolved = isLink ? realPath(path) : path else {
      throw Failure(.cannotCreate, "\(oneLine(path)): is a dangling symbolic link")
    }
    (parent, name) = splitPath(resolved)
    guard !["", ".", ".."].contains(name) else {
      throw Failure(.cannotCreate, "'\(oneLine(path))': not a name for an output folder")
    }
    removeLeftovers()
    try checkTarget()
    try checkParent()
  }

  /// Writes all files, or leaves everything as it was.
  package func write(_ files: [ResultFile]) throws {
    let made = try makeParent()
    do {
      removeAside()
      guard mkdir(aside, 0o777) == 0 else { throw failure(errno) }
      for file in files {
        try writeNewFile(
          file.bytes, at: "\(aside)/\(file.name)", called: "\(oneLine(path))/\(file.name)")
      }
      synchronizeFolder(aside)
      try checkTarget()
      try putInPlace()
    } catch {
      removeAside()
      for folder in made { rmdir(folder) }
      throw error
    }
    synchronizeFolder(parent)
  }

  /// What was written, in one line.
  package func summary(of files: [ResultFile]) -> String {
    "written to \(oneLine(path)): \(files.map(\.name).joined(separator: ", "))"
  }

  private var target: String { "\(parent)/\(name)" }
  private var aside: String { "\(parent)/\(WrittenAside.name(of: name))" }

  private func removeAside() { removeFolder(aside, of: kind.mayHold) }

  /// An existing folder is replaced only on request, and only where it holds a result or nothing.
  private func checkTarget() throws {
    guard let type = fileType(target, following: false) else {
      guard errno == ENOENT else { throw failure(errno) }
      return
    }
    guard type == S_IFDIR else {
      throw Failure(.cannotCreate, "\(oneLine(path)): is a file, not an output folder")
    }
    guard isReplacing else {
      throw Failure(
        .cannotCreate, "\(oneLine(path)): exists; --force replaces it, --output names another")
    }
    guard let contents = folderEntries(target) else { throw failure(errno) }
    if contents.isEmpty { return }
    guard try kind.isHeld(by: target) else { throw try refusal(to: contents.map(\.name)) }
    if let other = contents.first(where: { !$0.isFile || !kind.mayHold($0.name) }) {
      throw Failure(
        .cannotCreate,
        "\(oneLine(path)): holds '\(oneLine(other.name))', which cka did not write; --force "
          + "replaces only results")
    }
  }

  /// Why `--force` does not replace a folder of these contents.
  private func refusal(to contents: [String]) throws -> Failure {
    let isSweep = contents.contains("store.json") || contents.contains(SweepDocument.name)
    let other = isSweep ? "sweep" : try Kind.all.first { try $0.isHeld(by: target) }?.command
    guard let other else {
      return Failure(
        .cannotCreate, "\(oneLine(path)): is not a result of cka; --force does not replace it")
    }
    return Failure(
      .cannotCreate,
      "\(oneLine(path)): is a result of cka \(other); cka \(kind.command) --force replaces only "
        + "its own results")
  }

  /// Checks that a folder can be created in the nearest existing ancestor, by creating one: no
  /// other test covers permissions, quotas and file systems.
  private func checkParent() throws {
    let (folder, _) = try missingParents()
    let probe = "\(folder)/\(WrittenAside.name(of: name))"
    guard mkdir(probe, 0o777) == 0 else {
      guard errno == EEXIST else { throw failure(errno) }
      return
    }
    rmdir(probe)
  }

  /// Makes the folders that lead to the result and are missing; returns them, the innermost first.
  private func makeParent() throws -> [String] {
    var made: [String] = []
    for folder in try missingParents().missing.reversed() {
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        let failure = failure(errno)
        for folder in made { rmdir(folder) }
        throw failure
      }
      made.insert(folder, at: 0)
    }
    return made
  }

  /// The nearest folder above the result that is there, and those that are not, innermost first.
  private func missingParents() throws -> (present: String, missing: [String]) {
    var missing: [String] = []
    var folder = parent
    while fileType(folder, following: false) == nil {
      guard errno == ENOENT else { throw failure(errno) }
      missing.append(folder)
      folder = splitPath(folder).folder
    }
    return (folder, missing)
  }

  private func putInPlace() throws {
    let old = try Support.putInPlace(
      aside, as: target, isReplacing: isReplacing, old: aside + WrittenAside.oldSuffix,
      failure: failure)
    if let old { removeOld(old) }
  }

  /// Deletes the result that was replaced. What was put into it since it was looked into is kept; what the
  /// system does not delete, the next run does.
  private func removeOld(_ folder: String) {
    let others = removeFolder(folder, of: kind.mayHold)
    guard let other = others.first else { return }
    warn(
      "\(oneLine(path)): held '\(oneLine(other))', which cka did not write: moved to "
        + oneLine(keepFolder(folder, besides: target)))
  }

  private func failure(_ code: Int32) -> Failure { Failure(errno: code, writing: oneLine(path)) }

  /// Deletes leftovers of killed processes: temporary files and the empty folders created by the
  /// check above.
  private func removeLeftovers() {
    restoreOld()
    Support.removeLeftovers(of: name, in: parent) { file in
      Kind.all.contains { $0.mayHold(file) }
    }
    var folder = parent
    while folder != ".", folder != "/" {
      folder = splitPath(folder).folder
      Support.removeLeftovers(of: name, in: folder) { _ in false }
    }
  }

  /// Puts the old result back where a process was killed between its two steps.
  private func restoreOld() {
    guard fileType(target, following: false) == nil, errno == ENOENT else { return }
    let old = folderEntries(parent)?.first {
      $0.name.hasSuffix(WrittenAside.oldSuffix) && WrittenAside.isLeftover($0.name, of: name)
        && (try? kind.isHeld(by: "\(parent)/\($0.name)")) == true
    }
    if let old { rename("\(parent)/\(old.name)", target) }
  }
}
