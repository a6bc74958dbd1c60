"""Tells by a name's ending whether a click on the file would do something else than show a text. Pure.

Webex promises no ending for a report: ``.csv`` is usual, ``.tsv`` or none is possible, and a site's name in it looks
like one (``acme.webex.com_usage``). So this knows what is *not* a report: what a system runs, installs or draws.
"""

from __future__ import annotations

import mimetypes
from typing import Final

_TEXTS: Final = frozenset({"text/plain", "text/csv", "text/tab-separated-values"})
_KNOWN: Final = mimetypes.MimeTypes(filenames=()).types_map[True]
_RUN: Final = frozenset(
    """
    ade adp app application appref-ms asp aspx asx bas bat bgi cab cer chm cmd cnt com cpl crt csh der diagcab exe
    fxp gadget grp hlp hpj hta htc inf ins iso isp its jar jnlp js jse ksh lnk mad maf mag mam maq mar mas mat mau
    mav maw mcf mda mdb mde mdt mdw mdz msc msh msh1 msh1xml msh2 msh2xml mshxml msi msp mst msu ops osd pcd pif
    pl plg prf prg printerexport ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1 pssc pst py pyc pyo pyw pyz pyzw reg
    scf scr sct shb shs sys theme tmp url vb vbe vbp vbs vhd vhdx vsmacros vsw webpnp website wsb wsc wsf wsh xbap
    xll xnk
    dqy iqy oqy rqy slk docx xlsx pptx odt ods odp docm dotm xlsm xlsb xltm xlam pptm potm ppam ppsm sldm one
    onepkg rtf mht mhtml shtml xhtml htm library-ms search-ms searchconnector-ms settingcontent-ms deskthemepack
    themepack msix appx action command dmg fileloc inetloc pkg scpt scptd applescript terminal tool webloc
    workflow apk appimage bash deb desktop dll fish php phtml rb rpm run sh so zsh
    """.split()  # noqa: SIM905 as a list it would take two hundred lines
)
"""Outlook's list of blocked attachments, and what Office, Windows, macOS and Linux open besides."""


def is_of_another_kind(name: str) -> bool:
    """Return whether a file of this name is opened as something else than a text, whatever is in it."""
    last = name.rstrip(" .").rpartition("/")[2].lower()
    _, dot, ending = last.rpartition(".")
    if not dot:
        return False
    kind = _KNOWN.get(f".{ending}")
    return ending in _RUN or (kind is not None and kind not in _TEXTS)
