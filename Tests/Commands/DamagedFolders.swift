import Foundation
import TestSupport

/// Other formats, folders that do not fit together, and what is no regular file.
enum DamagedFolders {
  private static let npy = TestModel(layers: 1, n: 12).npy(0)

  static let otherFormats: [DamagedModel] = [
    .file("an empty file", [], "empty"),
    .file("a pickle", [0x80, 4, 0x95, 1, 2, 3, 4, 5, 6, 7], "never unpickled", "numpy.savez"),
    .file("HDF5", [0x89] + Array("HDF\r\n\u{1A}\n".utf8) + [0, 0], "HDF5"),
    .file("gzip", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], "gzip"),
    .file("text", Array("1,2,3\n4,5,6\n".utf8), "begins with the bytes 31 2c 32"),
    .file("one byte", [0x93], "begins with the bytes 93"),
  ]

  static let folders: [DamagedModel] = [
    .folder("an empty folder", [:], code: 66, "found no activations"),
    .folder("a folder of notes", ["notes.txt": [65], "a.json": [65]], code: 66, "no activations"),
    .folder("a folder of folders", ["m/a.npy": npy], code: 66, "found no activations"),
    .folder("a folder with a text", ["a.npy": npy, "b.npy": [65, 66]], "b.npy"),
    .folder("a folder with an empty file", ["a.npy": npy, "b.npy": []], "b.npy", "empty"),
    .folder(
      "two formats", ["a.npy": npy, "b.npz": TestModel(layers: 2).npz], "b.npz", "only .npy"),
    .folder(
      "shards of other layers",
      ["0.npz": TestModel(["layer1"]).npz, "1.npz": TestModel(["other"]).npz], "1.npz",
      "'layer1'"),
    .folder(
      "shards of other widths",
      [
        "0.safetensors": TestModel(["a", "b"]).safetensors,
        "1.safetensors": TestModel(["b", "a"]).safetensors,
      ], "1.safetensors", "'a'"),
    listed("no JSON", "{\"layers\": [", "JSON"),
    listed("no object", "[]", "expected an object"),
    listed("an unknown key", "{\"order\": []}", "'order'"),
    listed("a layer that is not there", "{\"layers\": [{\"name\": \"b\"}]}", "'b'"),
    listed("too few layers", "{\"layers\": []}", "'a'"),
    listed("a layer twice", "{\"layers\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}", "twice"),
    listed("too few examples", "{\"examples\": [1, 2, 3]}", "lists 3 examples", "12"),
    listed("an example twice", "{\"examples\": [1, 1]}", "twice"),
    .folder(
      "layers.json is a folder", ["a.npy": npy, "layers.json/x": []], code: 66, "layers.json"),
  ]

  private static func listed(_ what: String, _ json: String, _ words: String...) -> DamagedModel {
    DamagedModel(testDescription: "layers.json with \(what)", words: ["layers.json"] + words) {
      try $0.write(npy, to: "\($1)/a.npy")
      try $0.write(json, to: "\($1)/layers.json")
    }
  }

  static let specialFiles: [DamagedModel] = [
    missing("nothing there", "No such file") { _, _ in },
    missing("a FIFO", "FIFO") { path, _ in mkfifo(path, 0o600) },
    missing("a link to /dev/zero", "device") { path, _ in symlink("/dev/zero", path) },
    missing("a link to /dev/null", "device") { path, _ in symlink("/dev/null", path) },
    missing("a link to itself", "symbolic links") { path, name in symlink(name, path) },
    missing("a link to nothing", "No such file") { path, _ in symlink("nothing", path) },
    missing("a folder with a FIFO", "a.npy", "FIFO") { path, _ in
      mkdir(path, 0o700)
      mkfifo("\(path)/a.npy", 0o600)
    },
    missing("a folder with a FIFO for a list", "layers.json", "FIFO") { path, _ in
      mkdir(path, 0o700)
      mkfifo("\(path)/layers.json", 0o600)
    },
    missing("a folder with a loop of links", "a.npy", "symbolic links") { path, _ in
      mkdir(path, 0o700)
      symlink("b.npy", "\(path)/a.npy")
      symlink("a.npy", "\(path)/b.npy")
    },
    missing("a folder that holds itself", "found no activations") { path, _ in
      mkdir(path, 0o700)
      symlink(".", "\(path)/loop")
    },
    missing("a folder with a link to /dev/zero", "a.npy", "device") { path, _ in
      mkdir(path, 0o700)
      symlink("/dev/zero", "\(path)/a.npy")
    },
  ]

  private static func missing(
    _ description: String, _ words: String...,
    make: @escaping @Sendable (_ path: String, _ name: String) -> Void
  ) -> DamagedModel {
    DamagedModel(testDescription: description, code: 66, words: words) {
      make("\($0.path)/\($1)", $1)
    }
  }
}
