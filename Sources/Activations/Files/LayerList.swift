import Activations

/// `layers.json`: the order and stages of a model's layers and what its examples are called.
///
///     {"layers": [{"name": "conv1", "stage": "stem", "layout": "channels-first"}, …],
///      "layout": "channels-last", "examples": ["img0", …]}
///
/// All keys but a layer's name may be left out, and the file may have `MappedFile.longestList` bytes. Stages and
/// examples are strings or integers. A layout is `LayerShape.Layout`; the model's own is for layers without one.
struct LayerList {
  static let fileName = "layers.json"

  struct Entry {
    let name: String
    let stage: String?
    let layout: LayerShape.Layout?
  }

  let entries: [Entry]?
  let examples: [String]?
  /// The layout of layers that have none of their own here.
  private let layout: LayerShape.Layout?
  private let place: Place

  /// Reads `layers.json` in `folder`, where there is one.
  init?(in folder: String) throws(ActivationFileError) {
    let path = joined(folder, LayerList.fileName)
    do throws(ActivationFileError) {
      _ = try FileType(path: path)
    } catch {
      guard try isMissing(path) else { throw error }
      return nil
    }
    try self.init(path: path)
  }

  /// Reads the JSON text of a list of layers.
  init(layers text: String, place: Place) throws(ActivationFileError) {
    self.place = place
    entries = try LayerList.entries(
      try StrictJSON(Array(text.utf8), place: place), place: place)
    examples = nil
    layout = nil
  }

  init(path: String) throws(ActivationFileError) {
    place = Place(path: path)
    let json = try StrictJSON(try MappedFile(path: path).list(place), place: place)
    guard case .object(let members) = json else {
      throw place.data("found \(json.kind), expected an object")
    }
    var entries: [Entry]?
    var examples: [String]?
    var layout: LayerShape.Layout?
    for member in members {
      switch member.key {
      case "layout": layout = try LayerList.layout(member.value, of: "the model", place: place)
      case "layers": entries = try LayerList.entries(member.value, place: place)
      case "examples": examples = try LayerList.examples(member.value, place: place)
      default:
        throw place.data("found the key \(quoted(member.key)), expected layers, layout or examples")
      }
    }
    self.layout = layout
    self.entries = entries
    self.examples = examples
  }

  /// `layers` in the listed order and with their stages. The list must name all of them, and nothing that
  /// is chosen but no layer.
  ///
  /// - Parameters:
  ///   - names: The `nameBytes` of all arrays of the model.
  ///   - skipped: The chosen arrays that are no layers.
  ///   - isChosen: Whether an array was chosen.
  func arrange(
    _ layers: [LayerActivations], of names: Set<[UInt8]>, skipped: [SkippedArray],
    isChosen: (String) -> Bool
  ) throws(ActivationFileError) -> [LayerActivations] {
    guard let entries else { return layers.map(annotate) }
    var byName: [[UInt8]: LayerActivations] = [:]
    for layer in layers { byName[layer.name.nameBytes] = layer }
    var arranged: [LayerActivations] = []
    for entry in entries {
      if let layer = byName.removeValue(forKey: entry.name.nameBytes) {
        arranged.append(annotate(layer, by: entry))
      } else if let array = skipped.first(where: { $0.name.isSameName(as: entry.name) }) {
        throw place.data(
          "lists the layer \(quoted(entry.name)), which cannot be one: \(array.reason)")
      } else if !names.contains(entry.name.nameBytes) || isChosen(entry.name) {
        throw place.data("lists the layer \(quoted(entry.name)), which the model does not have")
      }
    }
    if let unlisted = layers.first(where: { byName[$0.name.nameBytes] != nil }) {
      throw place.data("does not list the model's layer \(quoted(unlisted.name))")
    }
    return arranged
  }

  /// `layer` with its stage and layout: one file of a folder whose other layers are listed, too.
  func annotate(_ layer: LayerActivations) -> LayerActivations {
    annotate(layer, by: entries?.first { $0.name.isSameName(as: layer.name) })
  }

  private func annotate(_ layer: LayerActivations, by entry: Entry?) -> LayerActivations {
    var layer = layer
    layer.stage = entry?.stage
    layer.layout = entry?.layout ?? layout
    return layer
  }

  /// The sample IDs, which must be as many as the model's examples.
  func examples(count: Int) throws(ActivationFileError) -> [String]? {
    guard let examples, examples.count != count else { return examples }
    throw place.data("lists \(examples.count) examples, the model has \(count)")
  }

  private static func entries(
    _ json: StrictJSON, place: Place
  ) throws(ActivationFileError) -> [Entry] {
    guard case .array(let elements) = json else {
      throw place.data("layers is \(json.kind), expected an array")
    }
    var entries: [Entry] = []
    var names: Set<[UInt8]> = []
    for element in elements {
      let entry = try entry(element, place: place)
      guard names.insert(entry.name.nameBytes).inserted else {
        throw place.data("lists the layer \(quoted(entry.name)) twice")
      }
      entries.append(entry)
    }
    return entries
  }

  private static func entry(
    _ json: StrictJSON, place: Place
  ) throws(ActivationFileError) -> Entry {
    guard case .object(let members) = json else {
      throw place.data("a layer is \(json.kind), expected an object with a name")
    }
    var name: String?
    var stage: String?
    var layout: LayerShape.Layout?
    for member in members {
      switch (member.key, member.value) {
      case ("layout", let value): layout = try Self.layout(value, of: "a layer", place: place)
      case ("name", .string(let value)): name = value
      case ("stage", .string(let value)): stage = value
      case ("stage", .integer(let value)): stage = String(value)
      case ("stage", .null): stage = nil
      case ("name", let value):
        throw place.data("a layer's name is \(value.kind), expected a string")
      case ("stage", let value):
        throw place.data("a layer's stage is \(value.kind), expected a string or an integer")
      default:
        throw place.data(
          "a layer has the key \(quoted(member.key)), expected name, stage or layout")
      }
    }
    guard let name else { throw place.data("a layer has no name") }
    return Entry(name: name, stage: stage, layout: layout)
  }

  private static func layout(
    _ json: StrictJSON, of what: String, place: Place
  ) throws(ActivationFileError) -> LayerShape.Layout? {
    if case .null = json { return nil }
    let names = LayerShape.Layout.allCases.map(\.rawValue).joined(separator: " or ")
    guard case .string(let text) = json, let layout = LayerShape.Layout(rawValue: text) else {
      let found = if case .string(let text) = json { quoted(text) } else { json.kind }
      throw place.data("the layout of \(what) is \(found), expected \(names)")
    }
    return layout
  }

  private static func examples(
    _ json: StrictJSON, place: Place
  ) throws(ActivationFileError) -> [String] {
    guard case .array(let elements) = json else {
      throw place.data("examples is \(json.kind), expected an array")
    }
    var examples: [String] = []
    var seen: Set<[UInt8]> = []
    for element in elements {
      let id: String
      switch element {
      case .string(let value): id = value
      case .integer(let value): id = String(value)
      default: throw place.data("an example is \(element.kind), expected a string or an integer")
      }
      guard seen.insert(id.nameBytes).inserted else {
        throw place.data("lists the example \(quoted(id)) twice")
      }
      examples.append(id)
    }
    return examples
  }
}
