/// What a file is, told by its first bytes.
enum FileKind: String {
  case npy = ".npy"
  case npz = ".npz"
  case safetensors = ".safetensors"

  init(_ file: MappedFile, place: Place) throws(ActivationFileError) {
    let start = file.bytes.prefix(9)
    func begins(_ magic: [UInt8]) -> Bool { start.starts(with: magic) }
    let hasBrace = start.count == 9 && start[8] == UInt8(ascii: "{")

    if hasBrace, start[4..<8].allSatisfy({ $0 == 0 }) {
      // A header's length below 4 GiB and the header: no other magic has four zeros there.
      self = .safetensors
    } else if begins(NPYHeader.magic) {
      self = .npy
    } else if begins([0x50, 0x4B, 0x03, 0x04]) || begins([0x50, 0x4B, 0x05, 0x06]) {
      self = .npz
    } else if begins([0x89] + Array("HDF".utf8)) {
      throw place.data(
        "found HDF5, which is not read yet; save the arrays with numpy.savez as .npz")
    } else if begins([0x1F, 0x8B]) {
      throw place.data("found a gzip file, expected .npy, .npz or .safetensors: unpack it first")
    } else if begins([0x80]), start.count > 1, (2...5).contains(start[1]) {
      throw TorchFile.refusal(place)
    } else if hasBrace {
      self = .safetensors
    } else {
      let found = start.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }
      throw place.data(
        "found a file that begins with the bytes \(found.joined(separator: " ")), expected .npy, "
          + ".npz or .safetensors")
    }
  }
}

/// PyTorch's `.pt` and `.pth`: pickles, alone or in a zip archive.
enum TorchFile {
  /// Refuses the file with the line that converts it.
  static func refusal(_ place: Place) -> ActivationFileError {
    // A line to be pasted into a shell: unusual names are left to the reader.
    let isPlain = place.path.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil
        || "._-/+=@".unicodeScalars.contains($0)
    }
    let path = isPlain ? place.path : "FILE.pt"
    return place.data(
      "found a PyTorch or pickle file, which is never unpickled; convert it with: "
        + "python -c \"import torch, numpy; numpy.savez('activations.npz', **{k: v.detach().numpy() "
        + "for k, v in torch.load('\(path)', map_location='cpu', weights_only=True).items()})\"")
  }
}
