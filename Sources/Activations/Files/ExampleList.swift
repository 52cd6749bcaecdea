import Activations

/// `examples.txt`: what a model's examples are called, one ID a line, in the order of the rows.
///
/// Lies in a model's folder, or as `NAME.examples.txt` beside a single file `NAME.npz`. UTF-8; lines end
/// with LF or CR LF, the last one perhaps not at all. It may have `MappedFile.longestList` bytes.
struct ExampleList {
  let examples: [String]
  private let place: Place

  /// Reads the list at `path`, where there is one.
  init?(path: String) throws(ActivationFileError) {
    guard try !isMissing(path) else { return nil }
    place = Place(path: path)
    let bytes = try MappedFile(path: path).list(place)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw place.data("found bytes that are not UTF-8, expected one sample ID a line")
    }
    var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.last == "\r" ? String($0.dropLast()) : String($0)
    }
    if lines.last == "" { lines.removeLast() }
    var seen: [[UInt8]: Int] = [:]
    for (index, id) in lines.enumerated() {
      guard !id.isEmpty else {
        throw place.data("line \(index + 1) is empty, expected a sample ID")
      }
      if let first = seen.updateValue(index + 1, forKey: id.nameBytes) {
        throw place.data(
          "lists the example \(quoted(id)) twice, in lines \(first) and \(index + 1)")
      }
    }
    examples = lines
  }

  /// The sample IDs, which must be as many as the model's examples.
  func examples(count: Int) throws(ActivationFileError) -> [String] {
    guard examples.count != count else { return examples }
    throw place.data("lists \(examples.count) examples, the model has \(count)")
  }

  /// Refuses a second list of the same examples: nobody could tell which one is right.
  func checkAlone(beside list: LayerList?) throws(ActivationFileError) {
    guard list?.examples != nil else { return }
    throw place.data(
      "found sample IDs here and in \(LayerList.fileName), expected one list of them")
  }
}
